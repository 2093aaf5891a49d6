"""Clothing Co-Parsing (CCP): classes, the merged label set, palettes. No class tells left from right: no flip pairs.

Yang, Luo, Lin, "Clothing Co-Parsing by Joint Image Segmentation and Labeling", CVPR 2014; Apache-2.0; 1,004 full-body
street photos with pixel labels, one person each. ``tools/dataset_converters/ccp.py`` makes the prepared layout.
"""
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS

# The tags in the order of label_list.mat; its label 0, 'null', is the background.
CCP_CLASSES = (
    'background', 'accessories', 'bag', 'belt', 'blazer', 'blouse', 'bodysuit', 'boots', 'bra', 'bracelet', 'cape',
    'cardigan', 'clogs', 'coat', 'dress', 'earrings', 'flats', 'glasses', 'gloves', 'hair', 'hat', 'heels', 'hoodie',
    'intimate', 'jacket', 'jeans', 'jumper', 'leggings', 'loafers', 'necklace', 'panties', 'pants', 'pumps', 'purse',
    'ring', 'romper', 'sandals', 'scarf', 'shirt', 'shoes', 'shorts', 'skin', 'skirt', 'sneakers', 'socks',
    'stockings', 'suit', 'sunglasses', 'sweater', 'sweatshirt', 'swimwear', 't-shirt', 'tie', 'tights', 'top', 'vest',
    'wallet', 'watch', 'wedges',
)

# Merged class: its tags, decided by looking at what the photos show under each tag: 'bodysuit' and 'romper' mostly are
# jumpsuits, so they join the other one-piece, the dress; 'suit' is a suit's jacket; 'leggings' are worn as tights are,
# under skirts; 'vest' is as often a sleeveless top as a waistcoat, which is worn as a top is; 'jumper' is a pullover.
CCP_MERGE = {
    'hair': ('hair',),
    'hat': ('hat',),
    'eyewear': ('glasses', 'sunglasses'),
    'top': ('blouse', 'bra', 'hoodie', 'intimate', 'jumper', 'shirt', 'sweater', 'sweatshirt', 't-shirt', 'top',
            'vest'),
    'outerwear': ('blazer', 'cape', 'cardigan', 'coat', 'jacket', 'suit'),
    'dress': ('bodysuit', 'dress', 'romper', 'swimwear'),
    'trousers': ('jeans', 'pants'),
    'shorts': ('panties', 'shorts'),
    'skirt': ('skirt',),
    'hosiery': ('leggings', 'socks', 'stockings', 'tights'),
    'shoes': ('boots', 'clogs', 'flats', 'heels', 'loafers', 'pumps', 'sandals', 'shoes', 'sneakers', 'wedges'),
    'bag': ('bag', 'purse', 'wallet'),
    'scarf': ('scarf',),
    'belt': ('belt',),
    'accessories': ('accessories', 'bracelet', 'earrings', 'gloves', 'necklace', 'ring', 'tie', 'watch'),
    'skin': ('skin',),
}
CCP_MERGED_CLASSES = ('background', *CCP_MERGE)

# Full CCP label -> merged label, 59 entries.
CCP_MERGED_IDS = (0, *(next(i for i, tags in enumerate(CCP_MERGE.values(), 1) if name in tags)
                       for name in CCP_CLASSES[1:]))

CCP_MERGED_PALETTE = (
    (0, 0, 0), (128, 64, 0), (255, 128, 0), (0, 255, 255), (220, 20, 60), (70, 90, 200), (255, 105, 180), (0, 110, 90),
    (60, 200, 60), (170, 80, 220), (110, 220, 200), (130, 130, 130), (230, 220, 40), (160, 255, 80), (200, 160, 90),
    (255, 0, 255), (255, 205, 170),
)


def _palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """Distinct RGB colours, black first: the bits of the label, least significant first, fill R, G, B from the top."""
    colours = []
    for label in range(count):
        red, green, blue = (sum((label >> 3 * step + channel & 1) << 7 - step for step in range(3))
                            for channel in range(3))
        colours.append((red, green, blue))
    return tuple(colours)


CCP_PALETTE = _palette(len(CCP_CLASSES))


@DATASETS.register_module()
class CCPDataset(HumanParsingDataset):
    """Clothing Co-Parsing with its 59 tags as classes, made by ``tools/dataset_converters/ccp.py --labels full``.

    Full-body street photos of about 830×550, one person each; 900 of the 1,004 labelled ones are split 800 / 100 by a
    seed, and what the converter finds unusable is left out. No ignore label, no left and right.
    """

    METAINFO = dict(classes=CCP_CLASSES, palette=CCP_PALETTE, flip_pairs=())


@DATASETS.register_module()
class CCPMergedDataset(HumanParsingDataset):
    """Clothing Co-Parsing with the 16 merged classes of :data:`CCP_MERGE`, the converter's default."""

    METAINFO = dict(classes=CCP_MERGED_CLASSES, palette=CCP_MERGED_PALETTE, flip_pairs=())

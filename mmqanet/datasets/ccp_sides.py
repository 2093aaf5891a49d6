"""Clothing Co-Parsing with face, limbs and shoes told apart, left and right: the label set of the shipped parser.

The garments are those of :data:`~mmqanet.datasets.ccp.CCP_MERGE`. Skin is split into face, torso and limbs, shoes into left
and right, in the manner of CIHP and ATR; left and right are the person's own.
"""
from mmqanet.datasets.ccp import CCP_MERGED_CLASSES, CCP_MERGED_PALETTE
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS

# Merged class: what it is split into. All others stay.
SPLIT = {
    'shoes': ('left-shoe', 'right-shoe'),
    'skin': ('face', 'torso-skin', 'left-arm', 'right-arm', 'left-leg', 'right-leg'),
}
CCP_SIDES_ORIGINS = tuple(  # for each class the merged one it is a part of
    label for label, name in enumerate(CCP_MERGED_CLASSES) for _ in SPLIT.get(name, (name,)))
CCP_SIDES_CLASSES = tuple(part for name in CCP_MERGED_CLASSES for part in SPLIT.get(name, (name,)))

_PART_COLOURS = {
    'left-shoe': (200, 166, 255), 'right-shoe': (75, 0, 15), 'face': (255, 224, 189), 'torso-skin': (190, 156, 175),
    'left-arm': (9, 175, 231), 'right-arm': (188, 91, 95), 'left-leg': (6, 65, 114), 'right-leg': (121, 41, 105),
}
CCP_SIDES_PALETTE = tuple(
    _PART_COLOURS[name] if name in _PART_COLOURS else CCP_MERGED_PALETTE[CCP_MERGED_CLASSES.index(name)]
    for name in CCP_SIDES_CLASSES)
CCP_SIDES_FLIP_PAIRS = tuple(
    (label, CCP_SIDES_CLASSES.index(name.replace('left-', 'right-')))
    for label, name in enumerate(CCP_SIDES_CLASSES) if name.startswith('left-'))


def _ids(*names: str) -> tuple[int, ...]:
    return tuple(CCP_SIDES_CLASSES.index(name) for name in names)


# What coarser labels may stand for: label 23 is the first, and so on.
CCP_SIDES_PARTIAL_LABELS = {
    'clothing': _ids('hat', 'top', 'outerwear', 'dress', 'trousers', 'shorts', 'skirt', 'hosiery', 'scarf', 'belt',
                     'accessories'),
    'skin': _ids(*SPLIT['skin']),
    'face or eyewear': _ids('face', 'eyewear'),
    'shoes': _ids(*SPLIT['shoes']),
}


@DATASETS.register_module()
class CCPSidesDataset(HumanParsingDataset):
    """Clothing Co-Parsing with 22 classes, made by ``tools/dataset_converters/ccp.py --labels sides``.

    Where the pixel labels and the body parts that say left, right and limb disagree, pixels have a partial label: any skin,
    or either shoe.
    """

    METAINFO = dict(
        classes=CCP_SIDES_CLASSES, palette=CCP_SIDES_PALETTE, flip_pairs=CCP_SIDES_FLIP_PAIRS,
        partial_labels=CCP_SIDES_PARTIAL_LABELS)

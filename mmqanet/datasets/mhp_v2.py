"""MHP-v2, Multi-Human Parsing."""
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS

# Class and colour, by label. Of a pair, left has the cold colour and right the warm one.
_TABLE = (
    ('background', (0, 0, 0)), ('cap/hat', (148, 33, 146)), ('helmet', (16, 16, 244)), ('face', (255, 224, 189)),
    ('hair', (122, 68, 24)), ('left-arm', (0, 180, 216)), ('right-arm', (255, 159, 28)), ('left-hand', (16, 88, 28)),
    ('right-hand', (208, 160, 196)), ('protector', (16, 64, 136)), ('bikini/bra', (124, 148, 112)),
    ('jacket/windbreaker/hoodie', (196, 148, 244)), ('t-shirt', (230, 57, 70)), ('polo-shirt', (76, 172, 100)),
    ('sweater', (244, 220, 112)), ('singlet', (172, 16, 88)), ('torso-skin', (240, 190, 150)),
    ('pants', (67, 97, 118)), ('shorts/swim-shorts', (172, 16, 244)), ('skirt', (157, 78, 221)),
    ('stockings', (160, 244, 28)), ('socks', (165, 190, 0)), ('left-boot', (16, 244, 160)),
    ('right-boot', (244, 16, 220)), ('left-shoe', (56, 176, 0)), ('right-shoe', (112, 22, 30)),
    ('left-highheel', (64, 148, 244)), ('right-highheel', (148, 136, 40)), ('left-sandal', (196, 244, 160)),
    ('right-sandal', (208, 112, 112)), ('left-leg', (46, 196, 182)), ('right-leg', (188, 108, 37)),
    ('left-foot', (16, 244, 16)), ('right-foot', (124, 64, 112)), ('coat', (29, 78, 216)), ('dress', (255, 105, 180)),
    ('robe', (76, 76, 40)), ('jumpsuit', (244, 64, 16)), ('other-full-body-clothes', (184, 244, 220)),
    ('headwear', (88, 136, 16)), ('backpack', (148, 244, 112)), ('ball', (16, 112, 100)), ('bats', (244, 112, 232)),
    ('belt', (160, 184, 244)), ('bottle', (124, 76, 76)), ('carrybag', (76, 16, 196)), ('cases', (244, 16, 112)),
    ('sunglasses', (60, 60, 72)), ('eyewear', (160, 40, 16)), ('glove', (255, 214, 10)), ('scarf', (247, 127, 0)),
    ('umbrella', (232, 244, 16)), ('wallet/purse', (220, 16, 160)), ('watch', (112, 76, 172)),
    ('wristband', (124, 112, 172)), ('tie', (16, 244, 100)), ('other-accessary', (160, 124, 88)),
    ('other-upper-body-clothes', (112, 244, 196)), ('other-lower-body-clothes', (16, 112, 172)),
)


@DATASETS.register_module()
class MHPv2Dataset(HumanParsingDataset):
    """Multi-Human Parsing v2: crowded scenes, labelled finer than any other set.

    - 25,403 photos with 3 people each on average: 15,403 for training, 5,000 each for validation and testing (testing
      without public labels).
    - 58 classes and background; left and right are the person's own, in eight pairs.
    - In the archive every person has a file of its own, and people overlap; the prepared layout has one map an image, in
      which the converter gives an overlapped pixel to one person. AP^r is usually not reported on this set.
    - On disk: the prepared layout, made by ``tools/dataset_converters/mhp_v2.py``; page docs/data/mhp_v2.md.
    - Licence: for research that earns no money, says the project's page.

    Zhao, Li, Cheng, Sim, Yan, Feng, "Understanding Humans in Crowded Scenes: Deep Nested Adversarial Learning and A New
    Benchmark for Multi-Human Parsing", ACM Multimedia 2018, arXiv:1804.03287.
    """

    METAINFO = dict(
        classes=tuple(name for name, _ in _TABLE),
        palette=tuple(colour for _, colour in _TABLE),
        flip_pairs=((5, 6), (7, 8), (22, 23), (24, 25), (26, 27), (28, 29), (30, 31), (32, 33)),
    )

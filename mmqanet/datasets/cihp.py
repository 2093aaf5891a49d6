"""CIHP, Crowd Instance-level Human Parsing."""
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS


@DATASETS.register_module()
class CIHPDataset(HumanParsingDataset):
    """Crowd Instance-level Human Parsing: photos of several people each, 3.4 on average.

    - 38,280 photos: 28,280 for training, 5,000 each for validation and testing (testing without public labels).
    - 20 classes with background, 255 = ignore. Left and right are the person's own.
    - On disk: the prepared layout, made by ``tools/dataset_converters/cihp.py``; page docs/data/cihp.md. The embedded toy
      people have the same classes and use this class as well.
    - Licence: for research that earns no money, says the project's page.

    Gong, Liang, Li, Chen, Yang, Lin, "Instance-level Human Parsing via Part Grouping Network", ECCV 2018,
    arXiv:1808.00157.
    """

    METAINFO = dict(
        classes=(
            'background', 'hat', 'hair', 'glove', 'sunglasses', 'upper-clothes', 'dress', 'coat', 'socks', 'pants',
            'torso-skin', 'scarf', 'skirt', 'face', 'left-arm', 'right-arm', 'left-leg', 'right-leg', 'left-shoe',
            'right-shoe'),
        palette=(
            (0, 0, 0), (148, 33, 146), (122, 68, 24), (255, 214, 10), (40, 40, 48), (230, 57, 70), (255, 105, 180),
            (29, 78, 216), (165, 190, 0), (67, 97, 118), (240, 190, 150), (247, 127, 0), (157, 78, 221),
            (255, 224, 189),
            (0, 180, 216), (255, 159, 28), (46, 196, 182), (188, 108, 37), (56, 176, 0), (112, 22, 30)),
        flip_pairs=((14, 15), (16, 17), (18, 19)),
    )

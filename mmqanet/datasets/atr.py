"""ATR, Active Template Regression."""
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS


@DATASETS.register_module()
class ATRDataset(HumanParsingDataset):
    """ATR: fashion photos of one standing person each, mostly seen from the front.

    - 17,706 photos. Papers split them 16,000 / 700 / 1,000 for training, validation and testing, by lists of names; the
      archive itself carries no split.
    - 18 classes with background. Left and right are the person's own.
    - The box is the whole picture, the person map is ``label > 0``.
    - On disk: the prepared layout, made by ``tools/dataset_converters/atr.py``; page docs/data/atr.md.
    - Licence: none is stated with the archive; ask its authors before anything but research.

    Liang, Liu, Shen, Yang, Liu, Dong, Lin, Yan, "Deep Human Parsing with Active Template Regression", TPAMI 2015,
    arXiv:1503.02391; Liang et al., "Human Parsing with Contextualized Convolutional Neural Network", ICCV 2015, added
    10,000 of the photos.
    """

    METAINFO = dict(
        classes=(
            'background', 'hat', 'hair', 'sunglasses', 'upper-clothes', 'skirt', 'pants', 'dress', 'belt', 'left-shoe',
            'right-shoe', 'face', 'left-leg', 'right-leg', 'left-arm', 'right-arm', 'bag', 'scarf'),
        palette=(
            (0, 0, 0), (148, 33, 146), (122, 68, 24), (40, 40, 48), (230, 57, 70), (157, 78, 221), (67, 97, 118),
            (255, 105, 180), (255, 214, 10), (56, 176, 0), (112, 22, 30), (255, 224, 189), (46, 196, 182), (188, 108, 37),
            (0, 180, 216), (255, 159, 28), (29, 78, 216), (247, 127, 0)),
        flip_pairs=((9, 10), (12, 13), (14, 15)),
    )

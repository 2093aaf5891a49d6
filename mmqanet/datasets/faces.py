"""Faces: the parts of a head as classes. One head a sample; what is a person elsewhere is a head here.

In all sets but CelebAMask-HQ left is the viewer's left, as in LaPa's list. Others read the same labels the other way round,
such as FaRL; the pairs that a mirror exchanges are the same either way.
"""
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS

_COLOURS = {
    'background': (0, 0, 0), 'skin': (255, 214, 170), 'left-brow': (0, 90, 200), 'right-brow': (200, 90, 0),
    'left-eye': (0, 190, 230), 'right-eye': (255, 150, 40), 'nose': (70, 200, 90), 'upper-lip': (230, 30, 80),
    'inner-mouth': (120, 20, 40), 'lower-lip': (255, 110, 160), 'hair': (122, 68, 24), 'left-ear': (40, 60, 130),
    'right-ear': (150, 110, 30), 'glasses': (150, 80, 220), 'hat': (90, 160, 60), 'earring': (255, 230, 60),
    'necklace': (190, 220, 230), 'neck': (200, 150, 120), 'cloth': (90, 100, 110),
}  # RGB

LAPA_CLASSES = (
    'background', 'skin', 'left-brow', 'right-brow', 'left-eye', 'right-eye', 'nose', 'upper-lip', 'inner-mouth',
    'lower-lip', 'hair')
IBUGMASK_14_CLASSES = (*LAPA_CLASSES, 'left-ear', 'right-ear', 'glasses')
CELEBAMASK_CLASSES = (
    'background', 'skin', 'nose', 'glasses', 'left-eye', 'right-eye', 'left-brow', 'right-brow', 'left-ear', 'right-ear',
    'inner-mouth', 'upper-lip', 'lower-lip', 'hair', 'hat', 'earring', 'necklace', 'neck', 'cloth')


def face_metainfo(classes: tuple[str, ...]) -> dict:
    """Classes, palette and flip pairs of a set of these names: every left one has its right one."""
    pairs = tuple((index, classes.index(name.replace('left-', 'right-', 1)))
                  for index, name in enumerate(classes) if name.startswith('left-'))
    return dict(classes=classes, palette=tuple(_COLOURS[name] for name in classes), flip_pairs=pairs)


class FaceParsingDataset(HumanParsingDataset):
    """Heads of a COCO-style JSON with their label maps: :class:`HumanParsingDataset`, whose people are heads.

    The boxes are those of heads, with hair and ears: the extent of all labels but neck and cloth, or the extent of landmarks
    made larger. The converters write them.
    """


@DATASETS.register_module()
class LaPaDataset(FaceParsingDataset):
    """LaPa, Landmark guided face Parsing: photos of faces, among them turned, hidden and distorted ones.

    - 22,176 photos: 18,176 for training, 2,000 each for validation and testing, all with labels and 106 landmarks.
    - 11 classes with background; ears are skin. Neighbours in a photo are background.
    - On disk: the prepared layout, made by ``tools/dataset_converters/lapa.py``; page docs/data/faces.md.
    - Licence: not for commercial use.

    Liu, Shi, Shen, Si, Wang, Mei, "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020.
    """

    METAINFO = face_metainfo(LAPA_CLASSES)


@DATASETS.register_module()
class HelenDataset(FaceParsingDataset):
    """Helen with part labels, LaPa's 11 classes.

    - 2,330 photos: 2,000 for training (exemplars), 230 for validation (tuning), 100 for testing.
    - Smith et al. publish soft masks, JPlin a relabelled version with other hair and skin: say which a result is of.
    - On disk: the prepared layout, made by ``tools/dataset_converters/helen.py``; page docs/data/faces.md.

    Smith, Zhang, Brandt, Lin, Yang, "Exemplar-Based Face Parsing", CVPR 2013; Le, Brandt, Lin, Bourdev, Huang, "Interactive
    Facial Feature Localization", ECCV 2012.
    """

    METAINFO = face_metainfo(LAPA_CLASSES)


@DATASETS.register_module()
class CelebAMaskHQDataset(FaceParsingDataset):
    """CelebAMask-HQ: aligned, upright portraits of celebrities.

    - 30,000 portraits of 1024x1024 with masks of 512x512: 24,183 / 2,993 / 2,824 for training, validation and testing, by
      CelebA's own split.
    - 19 classes in the official order, of which two others circulate: labels are converted by name. ``l_`` of an eye, brow
      or ear is left, of a lip it is lower.
    - On disk: the prepared layout, made by ``tools/dataset_converters/celebamask_hq.py``; page docs/data/faces.md.
    - Licence: for research that earns no money. Networks trained on these portraits fail on faces that are not upright.

    Lee, Liu, Wu, Luo, "MaskGAN: Towards Diverse and Interactive Facial Image Manipulation", CVPR 2020, arXiv:1907.11922.
    """

    METAINFO = face_metainfo(CELEBAMASK_CLASSES)


@DATASETS.register_module()
class IBugMaskDataset(FaceParsingDataset):
    """iBugMask with LaPa's 11 classes: faces in the wild, at the photos' own sizes.

    On disk: the prepared layout, made by ``tools/dataset_converters/ibugmask.py``; page docs/data/faces.md.

    Lin, Shen, Wang, Shen, Pantic, "RoI Tanh-polar Transformer Network for Face Parsing in the Wild", Image and Vision
    Computing 2021, arXiv:2102.02717.
    """

    METAINFO = face_metainfo(LAPA_CLASSES)


@DATASETS.register_module()
class IBugMask14Dataset(FaceParsingDataset):
    """iBugMask with ears and glasses besides, 14 classes; else as :class:`IBugMaskDataset`. Toy faces use it as well."""

    METAINFO = face_metainfo(IBUGMASK_14_CLASSES)

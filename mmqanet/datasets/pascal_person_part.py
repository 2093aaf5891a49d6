"""PASCAL-Person-Part."""
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS


@DATASETS.register_module()
class PascalPersonPartDataset(HumanParsingDataset):
    """PASCAL-Person-Part: the people of PASCAL-Part, their 24 parts merged into six.

    - 3,535 photos of PASCAL VOC 2010 with people in everyday scenes, many small, cut off or hidden: 1,717 for training,
      1,818 for testing. There is no third split; results are reported on the testing photos.
    - 7 classes with background, 255 = ignore. Left and right are one class, so there are no flip pairs.
    - On disk: the prepared layout, made by ``tools/dataset_converters/pascal_person_part.py`` out of PASCAL-Part's MATLAB
      files, with ``Testing`` in the place of ``Validation``; page docs/data/pascal_person_part.md.
    - Licence: the photos come from Flickr under its terms; the annotations are published without a licence.

    Chen, Mottaghi, Liu, Fidler, Urtasun, Yuille, "Detect What You Can: Detecting and Representing Objects using Holistic
    Models and Body Parts", CVPR 2014, arXiv:1406.2031; merged to six parts by Chen, Yang, Wang, Xu, Yuille, "Attention to
    Scale: Scale-aware Semantic Image Segmentation", CVPR 2016, arXiv:1511.03339.
    """

    METAINFO = dict(
        classes=('background', 'head', 'torso', 'upper-arms', 'lower-arms', 'upper-legs', 'lower-legs'),
        palette=(
            (0, 0, 0), (255, 214, 10), (230, 57, 70), (0, 180, 216), (29, 78, 216), (46, 196, 132), (157, 78, 221)),
        flip_pairs=(),
    )

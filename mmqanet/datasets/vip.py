"""VIP, Video Instance-level Parsing."""
from mmqanet.datasets.cihp import CIHPDataset
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS


@DATASETS.register_module()
class VIPDataset(HumanParsingDataset):
    """Video Instance-level Parsing: annotated frames of videos with several people.

    - 404 videos: 304 for training, 50 each for validation and testing (testing without public labels). One frame in 25 is
      annotated, 21,247 in all.
    - 20 classes, CIHP's in the same order with the same left and right; 255 = ignore.
    - Ids of people are those of a frame: they are not the same from frame to frame.
    - On disk: the prepared layout, made by ``tools/dataset_converters/vip.py``, names with the video's folder; page
      docs/data/vip.md. Toy videos of ``tools/dataset_converters/draw_toy_videos.py`` become the same.
    - Licence: for research that earns no money, says the project's page.

    Zhou, Liang, Gong, Lin, "Adaptive Temporal Encoding Network for Video Instance-level Human Parsing", ACM Multimedia
    2018, arXiv:1808.00661.
    """

    METAINFO = CIHPDataset.METAINFO

"""LIP, Look into Person."""
from mmqanet.datasets.cihp import CIHPDataset
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.registry import DATASETS


@DATASETS.register_module()
class LIPDataset(HumanParsingDataset):
    """Look into Person: single people, cut out of COCO photos.

    - 50,462 crops of one person each, from small to about 700 pixels high: 30,462 for training, 10,000 each for
      validation and testing (testing without public labels).
    - 20 classes: CIHP's labels in the same order, but label 10 is jumpsuits instead of bare torso. Left and right are the
      person's own.
    - The box is the whole picture, the person map is ``label > 0``.
    - On disk: the prepared layout, made by ``tools/dataset_converters/lip.py``; page docs/data/lip.md.
    - Licence: for research that earns no money, says the project's page.

    Gong, Liang, Zhang, Shen, Lin, "Look into Person: Self-supervised Structure-sensitive Learning and A New Benchmark for
    Human Parsing", CVPR 2017, arXiv:1703.05446.
    """

    METAINFO = dict(
        CIHPDataset.METAINFO,
        classes=tuple('jumpsuits' if name == 'torso-skin' else name for name in CIHPDataset.METAINFO['classes']))

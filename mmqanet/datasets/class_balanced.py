"""Training on classes of very different frequency, without losing what a sample's random stream is made of."""
from mmengine.dataset import ClassBalancedDataset as _ClassBalancedDataset

from mmqanet.datasets.samplers import Draw
from mmqanet.registry import DATASETS


@DATASETS.register_module()
class ClassBalancedDataset(_ClassBalancedDataset):
    """mmengine's ``ClassBalancedDataset``, same arguments: samples with rare classes come several times an epoch.

    Each time on a random stream of its own, so that a repeated person is augmented in other ways.
    """

    def _get_ori_dataset_idx(self, idx: int) -> int:
        sample = super()._get_ori_dataset_idx(idx)
        return Draw(sample, (*idx.entropy, int(idx))) if isinstance(idx, Draw) else sample

"""Random streams of their own for the samples of data sets that know nothing of :class:`Draw`."""
from mmcv.transforms import BaseTransform

from mmqanet.datasets.samplers import Draw
from mmqanet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SeedFromDraw(BaseTransform):
    """Put the random generators where the sample's :class:`Draw` says; the first step of a pipeline of mmdet or mmseg.

    Their data sets hand the sampler's index on as ``sample_idx``. With a plain index, of another sampler, nothing happens.

    Required keys: sample_idx.
    """

    def transform(self, results: dict) -> dict:
        if isinstance(results['sample_idx'], Draw):
            results['sample_idx'].seed_generators()
        return results

"""Random streams of their own for the samples of data sets that know nothing of :class:`SeededIndex`."""
from mmcv.transforms import BaseTransform

from mmqanet.datasets.samplers import SeededIndex
from mmqanet.registry import TRANSFORMS


@TRANSFORMS.register_module(name=['SeedFromIndex', 'SeedFromDraw'])
class SeedFromIndex(BaseTransform):
    """Seed the random generators from the sample's :class:`SeededIndex`: the first step of a pipeline of mmdet or mmseg.

    Their data sets hand the sampler's index on as ``sample_idx``. With a plain index, of another sampler, nothing happens.
    Older configs call it ``SeedFromDraw``.

    Required keys: sample_idx.
    """

    def transform(self, results: dict) -> dict:
        """Seed the generators, where the index carries numbers to do it with."""
        if isinstance(results['sample_idx'], SeededIndex):
            results['sample_idx'].seed_generators()
        return results

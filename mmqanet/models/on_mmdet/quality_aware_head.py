"""What all quality-aware heads have in common.

    N detections of an image, H, W its size, T thresholds that are kept.
"""
from collections.abc import Sequence
from typing import Any

from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.functional.mask_quality import MaskStatistics
from mmqanet.models.mask_quality import MaskQuality


class QualityAwareHead:
    """Comes before a head of mmdet among the bases: the same layers, boxes, labels, masks and scores, and mask scores.

    Each image's detections get ``pixel_scores`` (N,) and ``mask_scores`` (N,), both float32 in [0, 1], a mask without a
    pixel ≥ τ having 0. mmdet's metrics rank masks by ``mask_scores`` and boxes by ``scores``. A pixel whose probability is
    NaN reaches no threshold; a class score that is NaN raises an ``InputError``. Where ``replace_scores`` writes the quality
    into ``scores``, the score that it is made of stays as ``box_scores`` (N,).

    Args:
        args, kwargs: those of mmdet's head.
        quality (dict, optional): settings of :class:`~mmqanet.models.mask_quality.MaskQuality`, by default those of the
            paper's Table 7: ``dict(weights=(1, 0, 1), threshold=0.25, mode='ratio')``.
    """

    box_scores: Sequence[str] = ('final',)
    test_cfg: ConfigDict  # of mmdet's head

    def __init__(self, *args: Any, quality: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quality = MaskQuality.from_config(quality, box_scores=self.box_scores)

    def add_mask_scores(self, results: InstanceData, statistics: MaskStatistics, *,
                        box: Tensor | None = None) -> InstanceData:
        """Write the scores of the detections of an image into ``results``.

        Args:
            results: N detections with ``scores``.
            statistics: of their masks, from ``self.quality.measure``.
            box: the box scores (N,), ``results.scores`` by default.
        """
        quality, box = self.quality, results.scores if box is None else box
        results.pixel_scores = quality.pixel_scores(statistics).to(results.scores.device)
        results.mask_scores = quality.fuse(box, results.pixel_scores)
        if quality.keep and statistics.sums is not None:
            columns = [statistics.thresholds.index(threshold) for threshold in quality.keep]
            results.mask_counts = statistics.counts[:, columns]
            results.mask_sums = statistics.sums[:, columns]
        if quality.keep or quality.replace_scores:
            results.box_scores = box.clone()
        if quality.replace_scores:
            results.scores = results.mask_scores
        return results

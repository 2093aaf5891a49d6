"""How a head that makes instance masks scores them: settings, measuring, fusing.

    N masks of an image, T thresholds that are kept.
"""
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.mask_quality import MaskStatistics, check_mask_score, mask_statistics, needed_thresholds
from mmqanet.functional.quality import check_threshold, check_weights, fuse_quality

BOX_SCORES = ('final', 'class', 'pixel')


@dataclass(frozen=True, kw_only=True)
class MaskQuality:
    """The quality-aware module of a mask head, as its config's ``quality`` sets it.

    Attributes:
        weights: (α, β, γ) of the box score, the IoU score and the pixel score (paper, Eq. 1); without an IoU score that
            one counts as 1. The paper's Table 7 uses (1, 0, 1).
        threshold: τ of :func:`~mmqanet.functional.mask_pixel_scores`.
        mode: ``'ratio'`` or ``'mean'``.
        box_score: what stands for the box score in heads whose final score holds the mean confidence inside the mask
            (SOLO, MaskFormer): ``'final'``, the final score; ``'class'``, the same without that mean; ``'pixel'``, in SOLO
            only, puts the pixel score into the place of that mean before non-maximum suppression, so scores and
            detections change and no fusion follows.
        replace_scores: write the quality into ``scores`` as well, for everything that sorts or thresholds by these. Box AP
            is then that of the qualities.
        keep: thresholds whose areas and sums are handed out with the detections (``mask_counts``, ``mask_sums``,
            ``box_scores``), to score them anew under other settings.

    Raises:
        InputError: a value is out of its range.
    """

    weights: tuple[float, ...] = (1.0, 0.0, 1.0)
    threshold: float = 0.25
    mode: str = 'ratio'
    box_score: str = 'final'
    replace_scores: bool = False
    keep: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        check_weights(self.weights, name='quality: weights')
        try:
            check_mask_score(self.threshold, self.mode)
        except InputError as error:
            raise InputError(f'quality: {error}') from None
        if self.box_score not in BOX_SCORES:
            raise InputError(f'quality: box_score must be one of {BOX_SCORES}, got {self.box_score!r}')
        for threshold in self.keep:
            check_threshold(threshold, name='quality: a threshold to keep')

    @classmethod
    def from_config(cls, settings: dict | None, *, box_scores: Sequence[str] = ('final',), **defaults: Any) -> 'MaskQuality':
        """From a head's ``quality``.

        Args:
            settings: the config entry; what it lacks has its default.
            box_scores: the choices of ``box_score`` that the head knows.
            defaults: the head's own defaults.
        """
        settings = {**defaults, **(settings or {})}
        names = [field.name for field in fields(cls)]
        unknown = sorted(settings.keys() - set(names))
        if unknown:
            raise InputError(f'quality: unknown setting {unknown[0]!r}; known are {", ".join(names)}')
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
        quality = cls(**values)
        if quality.box_score not in box_scores and quality.box_score in BOX_SCORES:
            raise InputError(
                f'quality: box_score of this head must be one of {tuple(box_scores)}, got {quality.box_score!r}')
        return quality

    def measure(self, probs: Tensor, *, num_pixels: int | None = None) -> MaskStatistics:
        """What the scores of the masks need, from their probabilities (N, H, W) or windows of them."""
        thresholds = tuple(dict.fromkeys((*needed_thresholds(self.threshold, self.mode), *self.keep)))
        return mask_statistics(probs, thresholds, sums=self.mode == 'mean' or bool(self.keep), num_pixels=num_pixels)

    def pixel_scores(self, statistics: MaskStatistics) -> Tensor:
        """(N,) float32."""
        return statistics.pixel_scores(self.threshold, self.mode).float()

    def fuse(self, box: Tensor, pixel: Tensor, iou: Tensor | float = 1.0) -> Tensor:
        """The qualities (N,) float32. Box scores that rounding put beside [0, 1] count as its ends.

        Raises:
            InputError: a box or IoU score is NaN.
        """
        for name, score in (('box', box), ('IoU', torch.as_tensor(iou))):
            if score.isnan().any():
                raise InputError(f'mask_scores: the network gives a detection the {name} score NaN')
        return fuse_quality(box.clamp(0, 1), iou, pixel, self.weights).float()


def rank_by_quality(instances: InstanceData, threshold: float = 0.0) -> InstanceData:
    """The detections of an image from a quality-aware head, by descending quality, those below ``threshold`` left out.

    Args:
        instances: ``pred_instances`` of a sample. Where a two-stage detector finds nothing in a batch they come without
            ``mask_scores``; otherwise they must have them.

    Raises:
        InputError: there are detections without ``mask_scores``, or ``threshold`` is outside [0, 1].
    """
    check_threshold(threshold)
    if 'mask_scores' not in instances:
        if len(instances.scores):
            raise InputError('instances: no mask_scores; the head must be a quality-aware one')
        return instances
    order = instances.mask_scores.argsort(descending=True, stable=True)
    return instances[order[instances.mask_scores[order] >= threshold]]

"""The quality-aware module: how good is what was parsed (paper, sections 3.2 and 3.3).

Nothing here knows a network: probability maps and scores in, scores out, on any device.

Letters: ``...`` any leading batch (people), C classes with background as class 0, H, W size of the maps.
"""
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mmqanet.errors import InputError

SUM_TOLERANCE = 1e-2  # what half-precision probabilities may miss 1 by


@torch.no_grad()
def pixel_scores(probs: Tensor, threshold: float = 0.2) -> tuple[Tensor, Tensor]:
    """Mean confidence of the confident pixels, of each instance and of each of its parts (paper, Algorithm 1).

    A pixel belongs to its arg-max class (the first at a tie), its confidence is that class's probability, and it counts
    when that is ≥ ``threshold``. At threshold 0 every pixel counts for every part, those of other parts with value 0.

    Args:
        probs (Tensor): (..., C, H, W), probabilities of any floating dtype. A pixel's classes sum to 1, or to less
            where a map was pasted into an image with zeros outside.
        threshold (float): T in [0, 1].

    Returns:
        tuple[Tensor, Tensor]: instance scores (...,) and part scores (..., C-1), column c-1 for class c, in [0, 1];
        0 for a part without confident pixels. float64 for float64 probabilities, else float32.

    Raises:
        InputError: ``probs`` has a wrong shape or dtype or does not hold probabilities, ``threshold`` is out of range.
    """
    threshold = float(threshold)
    check_threshold(threshold)
    check_probs(probs, name='probs', outside=True)
    batch, (num_classes, height, width) = probs.shape[:-3], probs.shape[-3:]
    dtype = torch.promote_types(probs.dtype, torch.float32)
    values, labels = (best.reshape(-1, height * width) for best in probs.max(dim=-3))
    labels += torch.arange(len(labels), device=probs.device)[:, None] * num_classes
    (sums,), (counts,) = confident_sums(
        values.to(dtype), labels, num_bins=len(labels) * num_classes, thresholds=(threshold,))
    instance, parts = scores_from_sums(
        sums.view(*batch, num_classes), counts.view(*batch, num_classes), num_pixels=height * width,
        threshold=threshold)
    return instance.to(dtype), parts.to(dtype)


def confident_sums(values: Tensor, labels: Tensor, *, num_bins: int,
                   thresholds: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Sum and number of the ``values`` ≥ each of T ``thresholds`` that fall into each label, in one pass over them.

    Sums are float64: a float32 sum over a megapixel is off in the third digit.

    Args:
        values (Tensor): floating, any shape. NaN is kept and makes its sum NaN.
        labels (Tensor): integer of the same shape, in [0, num_bins).
        thresholds (Sequence[float]): at most 99.

    Returns:
        tuple[Tensor, Tensor]: sums and counts, both (T, num_bins) float64.
    """
    above = torch.zeros(values.shape, dtype=torch.uint8, device=values.device)  # how many thresholds exceed a value
    for threshold in thresholds:
        above += values < threshold
    levels = len(thresholds) + 1
    size = levels * num_bins
    dtype = labels.dtype if size <= torch.iinfo(labels.dtype).max else torch.promote_types(labels.dtype, torch.int16)
    bins = above.to(dtype).mul_(num_bins).add_(labels).flatten()
    sums = torch.bincount(bins, values.double().flatten(), minlength=size).view(levels, num_bins)
    counts = torch.bincount(bins, minlength=size).view(levels, num_bins).double()
    # A value reaches t if no more thresholds exceed it than exceed t.
    rows = [sum(other > threshold for other in thresholds) for threshold in thresholds]
    return sums.cumsum(0)[rows], counts.cumsum(0)[rows]


def scores_from_sums(sums: Tensor, counts: Tensor, *, num_pixels: int, threshold: float) -> tuple[Tensor, Tensor]:
    """The end of Algorithm 1: class-wise sums and counts (..., C) → instance (...,) and part (..., C-1) scores.

    At threshold 0 the comparison holds for every one of the ``num_pixels`` of the image, whatever its class.
    """
    instance_counts = counts.sum(-1)
    if threshold == 0:
        counts, instance_counts = (torch.full_like(count, num_pixels) for count in (counts, instance_counts))
    instance = sums.sum(-1) / instance_counts.clamp(min=1e-6)
    return instance, sums[..., 1:] / counts[..., 1:].clamp(min=1e-6)


def fuse_quality(box: Tensor | float, iou: Tensor | float, pixel: Tensor | float,
                 weights: Sequence[float] = (1.0, 0.5, 3.0)) -> Tensor:
    """Weighted geometric mean of the three scores (paper, Eq. 1), ``(box^α · iou^β · pixel^γ)^(1/(α+β+γ))``.

    Each score is raised to its share of the weights before the product, so large weights do not underflow; a score of
    weight 0 has no say even where it is 0, and a 0 of positive weight makes the quality 0. Equal scores give equal
    qualities wherever they stand.

    Args:
        box (Tensor | float): (N,) box scores in [0, 1].
        iou (Tensor | float): (N,) predicted IoU scores; a raw output outside [0, 1] is clamped to it.
        pixel (Tensor | float): (N,) instance or (N, C-1) part pixel scores in [0, 1].
        weights (Sequence[float]): (α, β, γ), not negative, not all 0.

    Returns:
        Tensor: shape of ``pixel``, in [0, 1]. float64 where a score is float64, else float32.

    Raises:
        InputError: a score is NaN or outside its range, shapes do not fit, or ``weights`` cannot be used.
    """
    shares = check_weights(weights)
    box, iou, pixel = (torch.as_tensor(score) for score in (box, iou, pixel))
    scores = {'box': box, 'iou': iou, 'pixel': pixel}
    for name, score in scores.items():
        check_scores(score, name=name, clamped=name == 'iou')
    dtype = torch.float64 if torch.float64 in (box.dtype, iou.dtype, pixel.dtype) else torch.float32
    shape = next((score.shape for score in (pixel, box, iou) if score.dim()), pixel.shape)
    if any(score.dim() and score.shape not in (shape, shape[:-1]) for score in (box, iou)):
        shapes = ', '.join(f'{name} {tuple(score.shape)}' for name, score in scores.items())
        raise InputError(f'scores do not fit together: {shapes}')
    # In float64: a vectorised float32 power differs in its last digit with the place in the vector, and ranks with it.
    box, iou, pixel = (score.double() if score.shape in (shape, ()) else score.double()[..., None]
                       for score in (box, iou, pixel))
    return (box ** shares[0] * iou.clamp(0, 1) ** shares[1] * pixel ** shares[2]).to(dtype)


def check_threshold(threshold: float, *, name: str = 'threshold') -> None:
    """Raise ``InputError``, which calls it ``name``, where a threshold lies outside [0, 1]."""
    try:
        fine = 0 <= threshold <= 1
    except TypeError:  # no number
        fine = False
    if not fine:
        raise InputError(f'{name} must be in [0, 1], got {threshold}')


def check_weights(weights: Sequence[float], *, name: str = 'weights') -> tuple[float, ...]:
    """The three weights divided by their sum."""
    values: tuple[float, ...]
    try:
        values = tuple(float(weight) for weight in weights)
    except (TypeError, ValueError):  # no numbers
        raise InputError(f'{name} must be three finite numbers >= 0 with a positive sum, got {weights!r}') from None
    total = sum(values)
    if len(values) != 3 or not all(0 <= value < math.inf for value in values) or not 0 < total < math.inf:
        raise InputError(f'{name} must be three finite numbers >= 0 with a positive sum, got {values}')
    return tuple(value / total for value in values)


def check_scores(scores: Tensor, *, name: str, clamped: bool = False) -> None:
    """Raise an InputError unless every score is in [0, 1]; with ``clamped`` only NaN is refused."""
    fine = ~scores.isnan() if clamped else (scores >= 0) & (scores <= 1)
    if not fine.all():
        raise InputError(f'{name} must {"not hold NaN" if clamped else "lie in [0, 1]"}, got {scores[~fine][0].item()}')


def check_probs(probs: Tensor, *, name: str, outside: bool = False) -> None:
    """Raise an InputError unless (..., C, H, W) ``probs`` sum to 1 over C; ``outside`` allows sums below 1 as well."""
    if not isinstance(probs, Tensor):
        raise InputError(f'{name} must be a tensor, got {type(probs).__name__}')
    if probs.dim() < 3 or probs.shape[-3] < 2 or not probs.is_floating_point():
        raise InputError(
            f'{name} must be floating of shape (..., C, H, W) with C > 1, got {tuple(probs.shape)} {probs.dtype}')
    if not probs.numel():
        if 0 in probs.shape[-3:]:
            raise InputError(f'{name} has no pixels: shape {tuple(probs.shape)}')
        return
    dtype = torch.promote_types(probs.dtype, torch.float32)
    least, most = (float(bound) for bound in probs.sum(-3, dtype=dtype).aminmax())
    lowest = float(probs.amin())
    if not (lowest >= 0 and (outside or least >= 1 - SUM_TOLERANCE) and most <= 1 + SUM_TOLERANCE):
        raise InputError(f'{name} must be probabilities that sum to {"at most " if outside else ""}1 over the classes, '
                         f'got values from {lowest:.4g} and sums in [{least:.4g}, {most:.4g}]')

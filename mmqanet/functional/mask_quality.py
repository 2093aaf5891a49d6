"""Pixel scores of single-class masks: the quality-aware module beyond human parsing (paper, section 4.4 and Table 7).

    N masks of an image, H, W its size, T thresholds.
"""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.quality import SUM_TOLERANCE, check_threshold
from mmqanet.utils.threads import parallel_map

MODES = ('ratio', 'mean')
CHUNK_PIXELS = 2**26  # how many pixels a GPU compares at once; a CPU is fastest mask by mask


@torch.no_grad()
def mask_pixel_scores(probs: Tensor, *, threshold: float = 0.25, mode: str = 'ratio') -> Tensor:
    """How sure a network is of each mask, from the mask's probability map alone.

    ``'ratio'`` compares two areas, ``#{p ≥ 1-τ} / #{p ≥ τ}``: it is 1 where the map jumps from below τ to above 1-τ, and
    the smaller the wider its soft border. This is the pixel score of the released code for masks. ``'mean'`` is Algorithm 1
    of the paper on one class, the mean of the probabilities ≥ τ.

    Memory beyond ``probs`` stays below that of one mask a thread on a CPU, and below 64 MiB or one mask on a GPU.

    Args:
        probs (Tensor): (N, H, W) foreground probabilities in [0, 1], of any floating dtype; half precision is compared in
            float32.
        threshold (float): τ, in [0, 0.5] for ``'ratio'`` and in [0, 1] for ``'mean'``.
        mode (str): ``'ratio'`` or ``'mean'``.

    Returns:
        Tensor: (N,) in [0, 1], 0 for a mask without a pixel ≥ τ. float64 for float64 probabilities, else float32.

    Raises:
        InputError: ``probs`` has a wrong shape or dtype or does not hold probabilities (NaN is none), ``threshold`` is out
            of range, or ``mode`` is unknown.
    """
    check_mask_score(threshold, mode)
    _check_masks(probs)
    statistics = mask_statistics(probs, needed_thresholds(threshold, mode), sums=mode == 'mean')
    return statistics.pixel_scores(threshold, mode).to(torch.promote_types(probs.dtype, torch.float32))


@dataclass(frozen=True, kw_only=True)
class MaskStatistics:
    """What the pixel scores of N masks are worked out from.

    Attributes:
        thresholds: the T thresholds.
        counts: (N, T) int64, the pixels ≥ each threshold.
        sums: (N, T) float64, the sum of the probabilities ≥ each threshold; ``None`` where only areas are of interest.
        num_pixels: H·W of the image that the masks lie in.
    """

    thresholds: tuple[float, ...]
    counts: Tensor
    sums: Tensor | None
    num_pixels: int

    def pixel_scores(self, threshold: float, mode: str) -> Tensor:
        """(N,) float64 scores, see :func:`mask_pixel_scores`.

        Raises:
            InputError: the statistics lack a threshold, or the sums, that this score needs.
        """
        if mode == 'ratio':
            return self._areas(1 - threshold) / self._areas(threshold).clamp(min=1e-6)
        if self.sums is None:
            raise InputError("mode 'mean' needs statistics with sums")
        return (self.sums[:, self._column(threshold)] / self._areas(threshold).clamp(min=1e-6)).clamp(max=1)

    def _areas(self, threshold: float) -> Tensor:
        """(N,) float64. The whole image is ≥ 0, also outside of the box that a mask was looked at in."""
        counts = self.counts[:, self._column(threshold)].double()
        return counts if threshold > 0 else torch.full_like(counts, self.num_pixels)

    def _column(self, threshold: float) -> int:
        if threshold not in self.thresholds:
            raise InputError(f'threshold {threshold} is none of those measured, {self.thresholds}')
        return self.thresholds.index(threshold)


@torch.no_grad()
def mask_statistics(probs: Tensor, thresholds: Sequence[float], *, sums: bool = False,
                    num_pixels: int | None = None) -> MaskStatistics:
    """Areas, and on request sums, above thresholds. A NaN is above none.

    Args:
        probs (Tensor): (N, H, W) floating. Where all the rest of an image is 0, a window of it will do.
        thresholds (Sequence[float]): T of them.
        sums (bool): add up the probabilities as well.
        num_pixels (int, optional): H·W of the image where ``probs`` are windows of it.
    """
    on_cpu = probs.device.type == 'cpu'
    chunks = probs.split(1 if on_cpu else max(1, CHUNK_PIXELS // max(1, probs[:1].numel()))) if len(probs) else ()
    measure = partial(_measure_array if on_cpu else _measure_tensor, thresholds=thresholds, sums=sums)
    rows = list((parallel_map if on_cpu and len(chunks) > 1 else map)(measure, chunks))
    shape = 0, len(thresholds)
    counts = torch.cat([probs.new_zeros(shape, dtype=torch.int64), *(counts for counts, _ in rows)])
    totals = torch.cat([probs.new_zeros(shape, dtype=torch.float64), *(total for _, total in rows if total is not None)])
    return MaskStatistics(
        thresholds=tuple(thresholds), counts=counts, sums=totals if sums else None,
        num_pixels=num_pixels or probs.shape[-2] * probs.shape[-1])


def join_statistics(parts: Iterable[MaskStatistics]) -> MaskStatistics:
    """The statistics of the masks of several calls, in their order; at least one, all of the same settings."""
    parts = list(parts)
    sums = [part.sums for part in parts if part.sums is not None]
    return MaskStatistics(
        thresholds=parts[0].thresholds, counts=torch.cat([part.counts for part in parts]),
        sums=torch.cat(sums) if sums else None, num_pixels=parts[0].num_pixels)


def _measure_array(masks: Tensor, *, thresholds: Sequence[float], sums: bool) -> tuple[Tensor, Tensor | None]:
    """Counts and sums of a few masks on a CPU. NumPy counts booleans several times faster than torch."""
    values = _at_least_float32(masks).detach().numpy()
    above = [values >= threshold for threshold in thresholds]
    counts = torch.tensor([[np.count_nonzero(mask) for mask in level] for level in above]).T
    if not sums:
        return counts, None
    totals = [[value[mask].sum(dtype=np.float64) for value, mask in zip(values, level)] for level in above]
    return counts, torch.tensor(totals).T


def _measure_tensor(masks: Tensor, *, thresholds: Sequence[float], sums: bool) -> tuple[Tensor, Tensor | None]:
    masks = _at_least_float32(masks)
    counts = torch.stack([(masks >= threshold).sum((1, 2)) for threshold in thresholds], dim=1)
    if not sums:
        return counts, None
    return counts, torch.stack(
        [torch.where(masks >= threshold, masks, 0).sum((1, 2), dtype=torch.float64) for threshold in thresholds], dim=1)


def _at_least_float32(masks: Tensor) -> Tensor:
    return masks if masks.dtype in (torch.float32, torch.float64) else masks.float()


def needed_thresholds(threshold: float, mode: str) -> tuple[float, ...]:
    """The thresholds whose statistics a score needs."""
    return (threshold, 1 - threshold) if mode == 'ratio' else (threshold,)


def check_mask_score(threshold: float, mode: str) -> None:
    """Raise ``InputError`` for an unknown mode, or a threshold that it does not allow."""
    if mode not in MODES:
        raise InputError(f'mode must be one of {MODES}, got {mode!r}')
    check_threshold(threshold)
    if mode == 'ratio' and threshold > 0.5:
        raise InputError(f"threshold must be in [0, 0.5] for mode 'ratio', got {threshold}")


def _check_masks(probs: Tensor) -> None:
    if not isinstance(probs, Tensor):
        raise InputError(f'probs must be a tensor, got {type(probs).__name__}')
    if probs.dim() != 3 or not probs.is_floating_point():
        raise InputError(f'probs must be floating of shape (N, H, W), got {tuple(probs.shape)} {probs.dtype}')
    if not probs.shape[1] * probs.shape[2]:
        raise InputError(f'probs has no pixels: shape {tuple(probs.shape)}')
    if not len(probs):
        return
    least, most = (float(bound) for bound in probs.aminmax())
    if not (least >= 0 and most <= 1 + SUM_TOLERANCE):
        raise InputError(f'probs must be probabilities in [0, 1], got values from {least:.4g} to {most:.4g}')

"""The largest class of a single pasted map, without interpolating classes that have no chance.

A pixel mixes the four samples around it. Where one class is the largest of all four, it is the largest of the mix too, and
its probability is the mix of four maxima. Only along the borders between parts are classes compared.

Letters: C classes, C' candidates, h, w size of the map, R, V rows and columns of the region, K pixels along borders.
"""
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


def best_classes(probs: Tensor) -> tuple[Tensor, Tensor]:
    """Maximum (h, w) of (C, h, w) with C < 256, and the first class (h, w) uint8 that has it.

    On a CPU class by class, as one map fits its caches.
    """
    if probs.device.type != 'cpu':
        values, classes = probs.max(0)
        return values, classes.byte()
    first, *others = probs.unbind()
    best = first.clone()
    labels = torch.zeros(best.shape, dtype=torch.uint8)
    for label, values in enumerate(others, 1):
        better = torch.gt(values, best).view(torch.uint8)
        torch.maximum(labels, better.mul_(label), out=labels)  # filling by a mask is not vectorised
        torch.maximum(best, values, out=best)
    return best, labels


@dataclass(frozen=True)
class Taps:
    """The two samples that each of P pixels along an axis lies between.

    Attributes:
        low, high (Tensor): (P,) int64, the samples; beyond the ends the nearest.
        low_weight, high_weight (Tensor): (P,) float32, their shares; 0 for those beyond the ends.
    """

    low: Tensor
    high: Tensor
    low_weight: Tensor
    high_weight: Tensor

    @classmethod
    def at(cls, positions: np.ndarray, size: int) -> 'Taps':
        """Those of pixels at (P,) float64 positions among ``size`` samples; sample i sits at i."""
        below = np.floor(positions).clip(-2, size)
        above = below + 1
        fraction = (positions - below).clip(0, 1)
        weights = ((1 - fraction) * ((below >= 0) & (below < size)), fraction * ((above >= 0) & (above < size)))
        samples = (torch.from_numpy(index.clip(0, size - 1).astype(np.int64)) for index in (below, above))
        return cls(*samples, *(torch.from_numpy(weight.astype(np.float32)) for weight in weights))

    def part(self, first: int, last: int) -> 'Taps':
        """The taps of pixels [first, last)."""
        return Taps(*(tensor[first:last] for tensor in (self.low, self.high, self.low_weight, self.high_weight)))

    def take(self, pixels: Tensor) -> 'Taps':
        """The taps of some pixels (K,) int64."""
        return Taps(*(tensor[pixels] for tensor in (self.low, self.high, self.low_weight, self.high_weight)))


class LeadingClass:
    """Tells the largest class of a map at the pixels of a region.

    Args:
        probs: (C, h, w) float32 on the CPU, probabilities.
        rows, columns: where the region's R rows and V columns lie among the samples.
    """

    def __init__(self, probs: Tensor, rows: Taps, columns: Taps) -> None:
        self.probs, self.rows, self.columns = probs, rows, columns
        values, labels = best_classes(probs)
        beside = labels.index_select(1, columns.low), labels.index_select(1, columns.high)
        self.values = values.index_select(1, columns.low).mul_(columns.low_weight)
        self.values.addcmul_(values.index_select(1, columns.high), columns.high_weight)
        self.labels, self.mixed = beside[0], beside[0] != beside[1]

    def at_rows(self, first: int, last: int, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Largest probability and class (uint8), both (last - first, V), of rows [first, last) of the region.

        Args:
            candidates: (C',) int64 ascending, the classes that may be the largest there.
        """
        rows = self.rows.part(first, last)
        values = self.values.index_select(0, rows.low).mul_(rows.low_weight[:, None])
        values.addcmul_(self.values.index_select(0, rows.high), rows.high_weight[:, None])
        labels = self.labels.index_select(0, rows.low)
        mixed = labels != self.labels.index_select(0, rows.high)
        mixed |= self.mixed.index_select(0, rows.low) | self.mixed.index_select(0, rows.high)
        pixels = mixed.flatten().nonzero()[:, 0]
        if len(pixels):
            down, across = pixels // values.shape[1], pixels % values.shape[1]
            best, classes = self._compare(rows.take(down), self.columns.take(across), candidates)
            values.view(-1)[pixels] = best
            labels.view(-1)[pixels] = classes
        return values, labels

    def _compare(self, rows: Taps, columns: Taps, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Largest probability and class (K,) of K pixels, by interpolating the candidates."""
        top, width = int(rows.low.min()), self.probs.shape[2]
        near = self.probs[candidates, top:int(rows.high.max()) + 1].flatten(1)
        total: Tensor | None = None
        for row, row_weight in ((rows.low, rows.low_weight), (rows.high, rows.high_weight)):
            for column, column_weight in ((columns.low, columns.low_weight), (columns.high, columns.high_weight)):
                share = near.index_select(1, (row - top) * width + column).mul_(row_weight * column_weight)
                total = share if total is None else total.add_(share)
        assert total is not None
        values, ranks = best_classes(total)
        return values, candidates.byte()[ranks.long()]

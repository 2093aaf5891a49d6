"""Pasting one person's probabilities into the image, reduced on the spot to a class map and pixel scores.

The image-sized probability map exists only as bands of a few rows that fit the cache: each is interpolated, reduced to
class and confidence, and dropped. A band holds only the classes that can be the largest somewhere in it: shoes are not
near hats. How a band is sampled: ``window_sampling``. A single map on a CPU is compared along the borders of its parts only
(``leading_class``).

Letters: A augmentations of a person, C classes, h, w size of a probability map, H, W size of the image,
    R rows of a band, V columns of the pasted region, T thresholds of the pixel scores.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmqanet.functional.leading_class import LeadingClass, Taps
from mmqanet.functional.quality import check_probs, confident_sums, scores_from_sums
from mmqanet.functional.tile_blending import Tiles, blended_sampler
from mmqanet.functional.window_sampling import (
    Region,
    bands_of,
    check_windows,
    mean_sample,
    positions,
    samplers_in,
    shares_of,
    touched_region,
    touched_samples,
)
from mmqanet.utils.threads import parallel_map


@dataclass(frozen=True, kw_only=True)
class PastedPerson:
    """What remains of a person's probabilities.

    Attributes:
        label_map (Tensor): (h_i, w_i) uint8 on the device of the probabilities, class per pixel; outside of it the
            person is background.
        offset (tuple[int, int]): (y, x) in the image of the first pixel of ``label_map``.
        pixel_scores (Tensor): (T,) float32 in [0, 1], the instance pixel score at every threshold, on the CPU.
        part_pixel_scores (Tensor): (T, C-1) float32 in [0, 1], on the CPU.
    """

    label_map: Tensor
    offset: tuple[int, int]
    pixel_scores: Tensor
    part_pixel_scores: Tensor


@dataclass(frozen=True)
class SemanticContext:
    """What maps of the whole image say of its pixels, for those that a person claims.

    Attributes:
        probs (Sequence[Tensor]): A maps (C, h, w) of probabilities, which are averaged.
        windows (Sequence): A boxes x1, y1, x2, y2 in image pixels, the window each map covers.
        weight (float): what they weigh beside the person's own probabilities.
    """

    probs: Sequence[Tensor]
    windows: Sequence[Sequence[float]]
    weight: float

    @classmethod
    def stretched(cls, probs: Sequence[Tensor], windows: Sequence[Sequence[float]], *, weight: float) -> 'SemanticContext':
        """Maps that go on beyond their windows as they end there, by a sample, instead of fading out."""
        wider = []
        for part, (x1, y1, x2, y2) in zip(probs, windows, strict=True):
            width, height = (x2 - x1) / part.shape[2], (y2 - y1) / part.shape[1]
            wider.append((x1 - width, y1 - height, x2 + width, y2 + height))
        return cls([F.pad(part[None], (1, 1, 1, 1), mode='replicate')[0] for part in probs], wider, weight)


@torch.no_grad()
def paste_person(probs: Sequence[Tensor], windows: Sequence[Sequence[float]], *, image_shape: tuple[int, int],
                 thresholds: Sequence[float] = (0.2,), background_below: float | None = None,
                 context: SemanticContext | None = None, weights: Sequence[float] | None = None,
                 tiles: Tiles | None = None) -> PastedPerson:
    """Paste a person's probability maps into the image, average them, and reduce them to classes and pixel scores.

    The same as sampling every map bilinearly at the centres of all pixels of the image with zeros outside the map,
    averaging, and taking arg-max (background where the maximum is small) and Algorithm 1 over the whole image.

    Args:
        probs (Sequence[Tensor]): A maps (C, h, w) of probabilities, on one device.
        windows (Sequence): A boxes x1, y1, x2, y2 in image pixels (continuous), the window each map covers. It may
            reach out of the image, or lie outside of it: such a person has an empty label map and scores of 0.
        image_shape (tuple[int, int]): (H, W).
        thresholds (Sequence[float]): T thresholds of the pixel scores, in [0, 1]; more than one cost little more.
        background_below (float, optional): where the maximum is below it a pixel is background; 1/C by default.
        context (SemanticContext, optional): added to the person's probabilities where the person is not background, before
            the final class is taken, which may be background then. The pixel scores do not see it.
        weights (Sequence[float], optional): A weights of the maps in the mean, which their sum divides; none is negative.
            Equal ones by default.
        tiles (Tiles, optional): maps of parts of the person, blended into the mean.

    Raises:
        InputError: an argument is out of range, NaN, without area, or their numbers differ.
    """
    boxes = check_windows(probs, windows, image_shape, thresholds)
    shares = None if weights is None else shares_of(weights, len(probs))
    # Checking and pruning are passes over the whole map: on a CPU they too belong on a thread of their own.
    run = parallel_map if probs[0].device.type == 'cpu' else map
    arguments = probs, boxes, image_shape, thresholds, background_below, context, shares, tiles
    job, = run(lambda given: _PastingJob(*given), [arguments])
    sums, counts = sum(
        run(job.reduce_band, job.bands), torch.zeros(2, len(thresholds), job.num_classes, dtype=torch.float64))
    instance, parts = zip(*(
        scores_from_sums(*row, num_pixels=math.prod(image_shape), threshold=threshold)
        for *row, threshold in zip(sums, counts, thresholds)))
    return PastedPerson(label_map=job.label_map, offset=(job.region.top, job.region.left),
                        pixel_scores=torch.stack(instance).float(), part_pixel_scores=torch.stack(parts).float())


@torch.no_grad()
def paste_mask(probs: Sequence[Tensor], windows: Sequence[Sequence[float]], *,
               image_shape: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Paste an instance's foreground probabilities into the image and average them.

    The same as sampling every map bilinearly at the centres of all pixels of the image with zeros outside the map, and
    averaging; only the pixels that a window touches are kept.

    Args:
        probs (Sequence[Tensor]): A maps (h, w) of probabilities, on one device.
        windows, image_shape: as for :func:`paste_person`.

    Returns:
        tuple: the mean (h_i, w_i) float32 and the (y, x) of its first pixel in the image; outside it the mean is 0.

    Raises:
        InputError: a window has no area or is not finite, or their number differs from that of the maps.
    """
    maps = [part[None].float() for part in probs]
    boxes = check_windows(maps, windows, image_shape, thresholds=(0,))
    region = touched_region(maps, boxes, image_shape)
    foreground = torch.zeros(1, dtype=torch.int64, device=maps[0].device)
    total = maps[0].new_zeros(region.bottom - region.top, region.right - region.left)
    if total.numel():
        for sample in samplers_in(region, maps, boxes):
            total += sample(region.top, region.bottom, foreground)[:, 0]
    return (total / len(maps)).clamp_(0, 1), (region.top, region.left)


def full_label_map(label_map: Tensor, offset: Sequence[int], image_shape: tuple[int, int]) -> Tensor:
    """A person's crop (h_i, w_i) with its (y, x) offset → the (H, W) label map of the whole image."""
    y, x = (int(value) for value in offset)
    full = label_map.new_zeros(image_shape)
    full[y:y + label_map.shape[0], x:x + label_map.shape[1]] = label_map
    return full


class _PastingJob:
    """The pasting of one person: made once, then reduced band by band in any order.

    Attributes:
        region (Region): the pixels that any window touches; ``label_map`` (uint8) covers it.
        bands (list[range]): rows of the image in each band.
    """

    @torch.no_grad()
    def __init__(self, probs: Sequence[Tensor], windows: np.ndarray, image_shape: tuple[int, int],
                 thresholds: Sequence[float], background_below: float | None, context: SemanticContext | None,
                 shares: Sequence[float] | None, tiles: Tiles | None) -> None:
        tiles = tiles if tiles and len(tiles.probs) else None
        maps = [*probs, *(tiles.probs if tiles else ())]
        for part in maps:
            check_probs(part, name='probs')
        self.num_classes, self.thresholds, self.context = len(probs[0]), thresholds, context
        self.background_below = 1 / self.num_classes if background_below is None else background_below
        self.region = region = touched_region(probs, windows, image_shape)
        self.label_map = torch.empty(
            region.bottom - region.top, region.right - region.left, dtype=torch.uint8, device=probs[0].device)
        on_cpu = probs[0].device.type == 'cpu'
        self.peaks = [part.amax(2) for part in maps]
        self.spans = [(y1, y2, part.shape[1])
                      for part, (_, y1, _, y2) in zip(maps, [*windows, *(tiles.windows if tiles else ())])]
        self.leading = _leading_class(probs[0], windows[0], region) if on_cpu and len(maps) == 1 and not context else None
        numbers = 4 if self.leading else len(self._candidates(self.peaks))
        samplers = [] if self.leading else samplers_in(region, probs, windows)
        mean = partial(mean_sample, samplers, shares=shares)
        self.sample = blended_sampler(mean, region, tiles) if tiles else mean
        self.context_samplers = samplers_in(region, context.probs, context.windows) if context else []
        self.bands = bands_of(region, numbers=numbers, device=probs[0].device)

    @torch.no_grad()
    def reduce_band(self, rows: range) -> Tensor:
        """Fill in the classes of some rows; their confident sums and counts, (2, T, C) float64 on the CPU."""
        near = [peaks[:, touched_samples(*span, first=rows.start, last=rows.stop)]
                for peaks, span in zip(self.peaks, self.spans)]
        classes = self._candidates(near)
        fused = None
        if self.leading:
            values, labels = self.leading.at_rows(rows.start - self.region.top, rows.stop - self.region.top, classes)
        else:
            band = self.sample(rows, classes)
            if self.context:
                fused = band + self.context.weight * mean_sample(self.context_samplers, rows, classes)
            values, labels = best_class(band, classes, num_classes=self.num_classes)
        sums = confident_sums(values, labels, num_bins=self.num_classes, thresholds=self.thresholds)
        labels.masked_fill_(values < self.background_below, 0)
        if fused is not None:
            labels = best_class(fused, classes, num_classes=self.num_classes)[1].masked_fill_(labels == 0, 0)
        self.label_map[rows.start - self.region.top:rows.stop - self.region.top] = labels
        return torch.stack(sums).cpu()

    def _candidates(self, peaks: Sequence[Tensor]) -> Tensor:
        """The classes that may be a pixel's, (C',) int64: all of them where a context has a say."""
        return torch.arange(self.num_classes, device=peaks[0].device) if self.context else _contenders(peaks)


def _leading_class(probs: Tensor, window: np.ndarray, region: Region) -> LeadingClass:
    """A map (C, h, w), compared at the pixels of a region."""
    x1, y1, x2, y2 = window
    height, width = probs.shape[1:]
    return LeadingClass(
        probs.float(), Taps.at(positions(np.arange(region.top, region.bottom), y1, y2, height), height),
        Taps.at(positions(np.arange(region.left, region.right), x1, x2, width), width))


def _contenders(peaks: Sequence[Tensor]) -> Tensor:
    """The classes that can be the largest at a pixel near A rows of samples, (C',) int64 ascending and never empty.

    At every pixel, faded or averaged or not, the largest class has at least 1/C of the pixel's sum, and no class more than
    its peak among the samples around. So those that reach 1/C nowhere are out; the margin is wider than what
    ``check_probs`` lets the sums miss.

    Args:
        peaks: for each augmentation (C, k), a class's largest probability in each of the rows; k may be 0.
    """
    highest = peaks[0].new_zeros(len(peaks[0]))
    highest[0] = 1  # the background stands for all where no sample is near
    for part in peaks:
        if part.shape[1]:
            highest = torch.maximum(highest, part.amax(1))
    return (highest >= 0.9 / len(highest)).nonzero().flatten()


def best_class(band: Tensor, classes: Tensor, *, num_classes: int) -> tuple[Tensor, Tensor]:
    """Maximum (R, V) of a band (R, C', V) over its ``classes``, and the first class (uint8) that has it. Uses up the band.

    On a CPU ``max`` with indices is not vectorised, two plain maxima are: the second is over the rank C - c of the
    classes, from which the distance to the maximum is taken away, blown up beyond any rank.
    """
    if band.device.type != 'cpu':
        values, indices = band.max(dim=1)
        return values, classes.byte()[indices]
    values = band.amax(1)
    ranks = (num_classes - classes).to(band.dtype)[:, None]
    ranked = torch.add(ranks, band.sub_(values[:, None]), alpha=1e30, out=band)
    return values, (num_classes - ranked.amax(1)).byte()

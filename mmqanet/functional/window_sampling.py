"""Maps that cover windows of an image, sampled bilinearly at the image's pixels, band by band.

Bilinear sampling of an axis-aligned window is separable, so on a CPU a band is two small matrix products with the weights of
the rows and of the columns; elsewhere it is one call of ``grid_sample``.

Letters: A augmentations of a person, C classes, h, w size of a map, H, W size of the image, R rows of a band, V columns of
    the sampled region.
"""
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.quality import check_threshold

CPU_BAND = 2**20  # numbers in a band if all classes were in it: what does fits the second-level cache of a core
DEVICE_BAND = 2**26
COLUMN_BLOCK = 64  # columns of one matrix product: wider blocks multiply more zeros, narrower ones call more often

#: (first row, last row, C' classes) → samples of an augmentation (R, C', V) float32 at the region's pixels in these rows.
Sampler = Callable[[int, int, Tensor], Tensor]


@dataclass(frozen=True)
class Region:
    """Pixels [top, bottom) × [left, right) of the image."""

    top: int
    left: int
    bottom: int
    right: int


def check_windows(maps: Sequence[Tensor], windows: Sequence[Sequence[float]], image_shape: tuple[int, int],
                  thresholds: Sequence[float]) -> np.ndarray:
    """The A windows as an array (A, 4) float64.

    Raises:
        InputError: an argument of :func:`paste_person` is out of range, or their numbers differ.
    """
    boxes = _checked_windows(windows)
    _check_shapes(maps, boxes, image_shape, thresholds)
    return boxes


def _checked_windows(windows: Sequence[Sequence[float]]) -> np.ndarray:
    boxes = np.asarray([[float(value) for value in window] for window in windows], dtype=np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InputError(f'windows must be one x1, y1, x2, y2 per map, got shape {boxes.shape}')
    bad = ~(np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1))
    if bad.any():
        raise InputError(f'windows must be finite x1, y1, x2, y2 with an area, got {boxes[bad][0].tolist()}')
    return boxes


def _check_shapes(probs: Sequence[Tensor], windows: np.ndarray, image_shape: tuple[int, int],
                  thresholds: Sequence[float]) -> None:
    if not 0 < len(thresholds) < 100:
        raise InputError(f'thresholds must be 1 to 99 numbers, got {len(thresholds)}')
    for threshold in thresholds:
        check_threshold(threshold, name='thresholds')
    if len(image_shape) != 2 or min(image_shape) < 1:
        raise InputError(f'image_shape must be a positive (H, W), got {tuple(image_shape)}')
    if len(probs) != len(windows):
        raise InputError(f'probs has {len(probs)} maps for {len(windows)} windows')
    for part in probs:
        if part.dim() != 3 or len(part) != len(probs[0]) or len(part) > 255:
            raise InputError(f'probs must be maps (C, h, w) of the same C < 256, got {tuple(part.shape)}')


def touched_region(probs: Sequence[Tensor], windows: np.ndarray, image_shape: tuple[int, int]) -> Region:
    """Pixels whose centre lies less than half a source pixel outside one of the windows."""
    sizes = np.array([part.shape[:0:-1] for part in probs])
    margins = (windows[:, 2:] - windows[:, :2]) / sizes / 2
    limits = np.array(image_shape[::-1])
    first = np.ceil((windows[:, :2] - margins).min(0) - 0.5).clip(0, limits).astype(int)
    last = (np.floor((windows[:, 2:] + margins).max(0) - 0.5) + 1).clip(first, limits).astype(int)
    return Region(top=int(first[1]), left=int(first[0]), bottom=int(last[1]), right=int(last[0]))


def samplers_in(region: Region, maps: Sequence[Tensor], windows: Sequence[Sequence[float]] | np.ndarray) -> list[Sampler]:
    """A sampler of each of A maps (C, h, w) in its window, at the pixels of a region."""
    sampler = _product_sampler if maps[0].device.type == 'cpu' and _products_are_exact() else _grid_sampler
    return [sampler(part.float(), np.asarray(window), region) for part, window in zip(maps, windows)]


def bands_of(region: Region, *, numbers: int, device: torch.device) -> list[range]:
    """The rows of a region in bands, each of which fits the cache with so many ``numbers`` a pixel."""
    width = region.right - region.left
    if not width:
        return []
    step = (CPU_BAND if device.type == 'cpu' else DEVICE_BAND) // (numbers * width) or 1
    return [range(top, min(top + step, region.bottom)) for top in range(region.top, region.bottom, step)]


def shares_of(weights: Sequence[float], number: int) -> list[float] | None:
    """What share of the mean each of A maps has; ``None`` for equal ones."""
    given = [float(weight) for weight in weights]
    if len(given) != number or not all(0 <= weight < math.inf for weight in given) or not sum(given):
        raise InputError(f'weights must be {number} numbers that are not negative, and not all 0, got {given}')
    return None if len(set(given)) == 1 else [weight / sum(given) for weight in given]


def mean_sample(samplers: Sequence[Sampler], rows: range, classes: Tensor,
                 shares: Sequence[float] | None = None) -> Tensor:
    """The mean (R, C', V) over what A samplers say of some rows, by their shares or equal ones."""
    band = samplers[0](rows.start, rows.stop, classes)
    if shares is not None:
        band *= shares[0]
        for sample, share in zip(samplers[1:], shares[1:]):
            band.add_(sample(rows.start, rows.stop, classes), alpha=share)
        return band
    for sample in samplers[1:]:
        band += sample(rows.start, rows.stop, classes)
    return band.div_(len(samplers)) if len(samplers) > 1 else band


def _product_sampler(probs: Tensor, window: np.ndarray, region: Region) -> Sampler:
    """By products with the interpolation weights."""
    height, width = probs.shape[1:]
    num_columns = region.right - region.left
    x1, y1, x2, y2 = window
    columns = []
    for first in range(region.left, region.right, COLUMN_BLOCK):
        last = min(first + COLUMN_BLOCK, region.right)
        source, weights = _interpolation(x1, x2, size=width, first=first, last=last)
        columns.append((slice(first - region.left, last - region.left), source, weights.T.contiguous()))

    def sample(first: int, last: int, classes: Tensor) -> Tensor:
        source, weights = _interpolation(y1, y2, size=height, first=first, last=last)
        rows = probs[:, source].transpose(0, 1)[:, classes].reshape(weights.shape[1] * len(classes), width)
        wide = rows.new_empty(len(rows), num_columns)
        for block, block_source, block_weights in columns:
            torch.mm(rows[:, block_source], block_weights, out=wide[:, block])
        wide = wide.view(weights.shape[1], len(classes) * num_columns)
        return torch.mm(weights, wide).view(last - first, len(classes), num_columns)

    return sample


def _grid_sampler(probs: Tensor, window: np.ndarray, region: Region) -> Sampler:
    """By the device's own sampler."""
    x1, y1, x2, y2 = window
    x = (np.arange(region.left, region.right) + 0.5 - x1) * (2 / (x2 - x1)) - 1

    def sample(first: int, last: int, classes: Tensor) -> Tensor:
        y = (np.arange(first, last) + 0.5 - y1) * (2 / (y2 - y1)) - 1
        grid = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32))
        return F.grid_sample(probs[classes][None], grid[None].to(probs.device), align_corners=False)[0].transpose(0, 1)

    return sample


def _interpolation(start: float, stop: float, *, size: int, first: int, last: int) -> tuple[slice, Tensor]:
    """Bilinear weights along one axis, zeros outside.

    ``size`` samples cover [start, stop]; sample i sits at the centre of its stretch and its weight falls to 0 over one
    sample distance. Returned are the samples that pixels [first, last) touch and their weights (last - first, k).
    """
    source = touched_samples(start, stop, size, first=first, last=last)
    places = positions(np.arange(first, last), start, stop, size)
    weights = 1 - np.abs(places[:, None] - np.arange(source.start, source.stop))
    return source, torch.from_numpy(weights.clip(0).astype(np.float32))


def touched_samples(start: float, stop: float, size: int, *, first: int, last: int) -> slice:
    """Those of ``size`` samples that cover [start, stop] that interpolation at pixels [first, last) reads."""
    ends = positions(np.array([first, last - 1]), start, stop, size)
    low = min(max(math.floor(ends[0]), 0), size)
    return slice(low, max(min(math.floor(ends[1]) + 2, size), low))


def positions(pixels: np.ndarray, start: float, stop: float, size: int) -> np.ndarray:
    """Where the centres of pixels lie among the samples; sample i sits at i."""
    return (pixels + 0.5 - start) * (size / (stop - start)) - 0.5


def _products_are_exact() -> bool:
    """Whether float32 products keep float32: autocast or a reduced matmul precision set elsewhere would cost digits."""
    near_one = torch.full((32, 32), 1 + 2**-12)
    return bool((torch.eye(32) @ near_one == near_one).all())

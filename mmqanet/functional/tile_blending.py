"""A second look at a person: maps of tiles, blended into the coarse map of the whole window.

A tile sees a person larger than the coarse map does, and less of what is around. Where tiles look, the mean of the coarse
map, of weight 1, and of the tiles, whose weights rise from 0 at their borders to 1 in their middle, takes the place of the
coarse map; weights at a pixel are divided by their sum. A tile has no say for classes that the coarse map does not see
nearby, since it may not tell a left leg from a right one.

Letters: C classes, h, w size of a map, R rows of a band, V columns of the pasted region.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.window_sampling import Region, Sampler, samplers_in

SEEN = 0.05  # probability from which the coarse map sees a class

Window = Sequence[float]
#: (rows, C' classes) → samples (R, C', V) float32 at a region's pixels in these rows.
BandSampler = Callable[[range, Tensor], Tensor]


@dataclass(frozen=True)
class Tiles:
    """Maps of parts of a person's window.

    Attributes:
        probs (Sequence[Tensor]): T maps (C, h, w) of probabilities.
        windows (Sequence): T boxes x1, y1, x2, y2 in image pixels, the window each map covers.
    """

    probs: Sequence[Tensor]
    windows: Sequence[Window]


def tile_windows(box: Window, size: tuple[float, float], *,
                 overlap: float = 0.25) -> list[tuple[float, float, float, float]]:
    """Windows of one size that cover a box, evenly spaced and centred on it.

    Args:
        box: x1, y1, x2, y2.
        size: (width, height) of the windows.
        overlap: least share of a window, in [0, 1), that its neighbour sees as well.

    Returns:
        list: x1, y1, x2, y2 of each, row by row; a box no larger than a window has one.
    """
    if not 0 <= overlap < 1:
        raise InputError(f'overlap is {overlap}, but must lie in [0, 1)')
    x1, y1, x2, y2 = box
    across, down = (even_starts(start, stop, length, overlap=overlap)
                    for start, stop, length in zip((x1, y1), (x2, y2), size))
    return [(x, y, x + size[0], y + size[1]) for y in down for x in across]


def even_starts(start: float, stop: float, length: float, *, overlap: float) -> list[float]:
    """Where stretches of a ``length`` begin that cover [start, stop] evenly and share ``overlap`` of theirs at least.

    One that is longer than all of it lies around its middle.
    """
    number = max(1 + int(np.ceil((stop - start - length) / (length * (1 - overlap)))), 1)
    if number == 1:
        return [(start + stop - length) / 2]
    return np.linspace(start, stop - length, number).tolist()


def seen_nearby(tile: Tensor, window: Window, coarse: Tensor, coarse_window: Window) -> Tensor:
    """A tile's map without the classes that the coarse map does not see within a sample of its own.

    Args:
        tile: (C, h, w) probabilities in their ``window``.
        coarse: (C, h', w') probabilities in theirs.

    Returns:
        Tensor: (C, h, w), which sum to 1; where no class is left, what the coarse map says.
    """
    height, width = tile.shape[1:]
    x1, y1, x2, y2 = window
    left, top, right, bottom = coarse_window
    x = (np.linspace(x1, x2, 2 * width + 1)[1::2] - left) * (2 / (right - left)) - 1
    y = (np.linspace(y1, y2, 2 * height + 1)[1::2] - top) * (2 / (bottom - top)) - 1
    grid = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32))[None].to(coarse.device)

    def sampled(maps: Tensor) -> Tensor:
        return F.grid_sample(maps[None].float(), grid, padding_mode='border', align_corners=False)[0]

    nearby = F.max_pool2d(coarse[None].float(), 3, stride=1, padding=1)[0] >= SEEN
    kept = tile.float() * (sampled(nearby.float()) > 0)
    total = kept.sum(0, keepdim=True)
    own = sampled(coarse)
    return torch.where(total > 1e-3, kept / total.clamp(min=1e-3), own / own.sum(0, keepdim=True))


def blended_sampler(coarse: BandSampler, region: Region, tiles: Tiles) -> BandSampler:
    """What samples a coarse map, with the tiles blended in, at the pixels of a region."""
    pieces = [piece for part, window in zip(tiles.probs, tiles.windows, strict=True)
              if (piece := _Piece.of(part, window, region)) is not None]

    def sample(rows: range, classes: Tensor) -> Tensor:
        band = coarse(rows, classes)
        total = band.new_ones(band.shape[0], band.shape[2])
        for piece in pieces:
            top, bottom = max(rows.start, piece.region.top), min(rows.stop, piece.region.bottom)
            if top < bottom:
                inside = slice(top - rows.start, bottom - rows.start)
                weights = piece.down[top - piece.region.top:bottom - piece.region.top, None] * piece.across
                band[inside, :, piece.columns] += piece.sample(top, bottom, classes) * weights[:, None]
                total[inside, piece.columns] += weights
        return band.div_(total[:, None])

    return sample


@dataclass(frozen=True)
class _Piece:
    """A tile at the pixels whose centres it covers: its samples, and its weight as a product ``down`` · ``across``."""

    region: Region
    columns: slice  # of the whole region
    sample: Sampler
    down: Tensor
    across: Tensor

    @classmethod
    def of(cls, probs: Tensor, window: Window, whole: Region) -> '_Piece | None':
        """The piece of a tile inside the whole region; ``None`` where they do not meet."""
        x1, y1, x2, y2 = window
        top, bottom = _pixels(y1, y2, whole.top, whole.bottom)
        left, right = _pixels(x1, x2, whole.left, whole.right)
        if top >= bottom or left >= right:
            return None
        region = Region(top=top, left=left, bottom=bottom, right=right)
        width, height = (x2 - x1) / probs.shape[2], (y2 - y1) / probs.shape[1]
        wider = F.pad(probs[None], (1, 1, 1, 1), mode='replicate')[0]  # so that the tile does not fade out at its borders
        sample, = samplers_in(region, [wider], [(x1 - width, y1 - height, x2 + width, y2 + height)])
        down, across = (_fading(first, last, start, stop).to(probs.device)
                        for first, last, start, stop in ((top, bottom, y1, y2), (left, right, x1, x2)))
        return cls(region, slice(left - whole.left, right - whole.left), sample, down, across)


def _pixels(start: float, stop: float, first: int, last: int) -> tuple[int, int]:
    """The pixels from ``first`` to before ``last`` whose centres lie in [start, stop]."""
    return max(int(np.ceil(start - 0.5)), first), min(int(np.floor(stop - 0.5)) + 1, last)


def _fading(first: int, last: int, start: float, stop: float) -> Tensor:
    """Raised cosine at the centres of pixels: 0 at both ends of [start, stop], 1 in the middle."""
    return torch.from_numpy(np.sin(np.pi * (np.arange(first, last) + 0.5 - start) / (stop - start)) ** 2).float()

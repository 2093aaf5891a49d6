"""Pasting one person's dense pose into the image: chart, U and V of every pixel, and how sure the network is of its charts.

Like :mod:`mmqanet.functional.pasting`, band by band: the maps of all charts never exist at the size of the image.

Letters: A augmentations of a person, h, w size of the network's maps, H, W size of the image, h_i, w_i of the pasted region,
    T thresholds of the pixel scores; 15 coarse parts and 25 charts, background included.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmqanet.functional.charts import CHARTS, PARTS
from mmqanet.functional.pasting import PastedPerson, best_class
from mmqanet.functional.quality import confident_sums, scores_from_sums
from mmqanet.functional.window_sampling import bands_of, check_windows, mean_sample, samplers_in, shares_of, touched_region

NUM_MAPS = len(PARTS) + 3 * len(CHARTS)


@dataclass(frozen=True, kw_only=True)
class PastedSurface(PastedPerson):
    """What remains of a person's maps.

    ``label_map`` holds charts, ``uv`` (2, h_i, w_i) float32 their U and V as the network gives them, 0 on the background.
    """

    uv: Tensor


@torch.no_grad()
def paste_surface(maps: Sequence[Tensor], windows: Sequence[Sequence[float]], *, image_shape: tuple[int, int],
                  thresholds: Sequence[float] = (0.2,), weights: Sequence[float] | None = None) -> PastedSurface:
    """Paste a person's maps into the image and average them; take parts, charts and their coordinates.

    The same as sampling every map bilinearly at the centres of all pixels with zeros outside the map, and averaging. A pixel
    is the person's where a part other than background is the most probable; its chart is the most confident one, background
    included. Algorithm 1 sees that confidence, and 0 outside the person.

    Args:
        maps (Sequence[Tensor]): A maps (90, h, w): probabilities of 15 parts, confidences of 25 charts in [0, 1], U, V.
        windows (Sequence): A boxes x1, y1, x2, y2 in image pixels (continuous), the window each map covers.
        image_shape (tuple[int, int]): (H, W).
        thresholds (Sequence[float]): T thresholds of the pixel scores, in [0, 1].
        weights (Sequence[float], optional): A weights of the maps in the mean, at least 0; all the same by default.

    Raises:
        InputError: an argument is out of range, or their numbers differ.
    """
    maps = [part.float() for part in maps]
    boxes = check_windows(maps, windows, image_shape, thresholds)
    shares = None if weights is None else shares_of(weights, len(maps))
    region = touched_region(maps, boxes, image_shape)
    samplers = samplers_in(region, maps, boxes)
    height, width = region.bottom - region.top, region.right - region.left
    device = maps[0].device
    charts = torch.zeros(height, width, dtype=torch.uint8, device=device)
    uv = torch.zeros(2, height, width, device=device)
    sums = torch.zeros(2, len(thresholds), len(CHARTS), dtype=torch.float64)
    every = torch.arange(NUM_MAPS, device=device)
    for band_rows in bands_of(region, numbers=NUM_MAPS, device=device):
        band = mean_sample(samplers, band_rows, every, shares)
        rows = slice(band_rows.start - region.top, band_rows.stop - region.top)
        confidences, charts[rows], uv[:, rows] = _reduce(band)
        sums += torch.stack(confident_sums(
            confidences, charts[rows], num_bins=len(CHARTS), thresholds=thresholds)).cpu()
    instance, parts = zip(*(
        scores_from_sums(*row, num_pixels=image_shape[0] * image_shape[1], threshold=threshold)
        for *row, threshold in zip(*sums, thresholds)))
    return PastedSurface(
        label_map=charts, offset=(region.top, region.left), uv=uv,
        pixel_scores=torch.stack(instance).float(), part_pixel_scores=torch.stack(parts).float())


def _reduce(band: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Maps (R, 90, V) of some rows → confidence (R, V), chart (R, V) uint8, and its U and V (2, R, V)."""
    parts, charts, u, v = band.split((len(PARTS), len(CHARTS), len(CHARTS), len(CHARTS)), dim=1)
    outside = parts.argmax(1) == 0
    confidences, best = best_class(charts.clone(), torch.arange(len(CHARTS), device=band.device), num_classes=len(CHARTS))
    best = best.masked_fill(outside, 0)
    own = best.long()[:, None]
    uv = torch.stack([u.gather(1, own)[:, 0], v.gather(1, own)[:, 0]])
    return confidences.masked_fill(outside, 0), best, uv * (best > 0)


def quantise_surface(charts: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Charts (h, w) and their U, V (2, h, w) → (3, h, w) uint8: chart, 255 · U and 255 · V rounded down, cut to [0, 255]."""
    return np.concatenate([charts[None].astype(np.uint8), (np.clip(uv, 0, 1) * 255).astype(np.uint8)])

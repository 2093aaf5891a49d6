"""Small regions of a person's probability map, most of them speckles, given to what else is likely there.

Letters: C classes, h, w size of the map, K pixels in small regions.
"""
import cv2
import numpy as np
import torch
from torch import Tensor

from mmqanet.errors import InputError

MOST_PASSES = 4  # the second best class of a speckle may be a speckle too; after some passes nothing changes


@torch.no_grad()
def absorb_small_regions(probs: Tensor, *, min_share: float) -> Tensor:
    """Give the regions that are smaller than a share of the map to the next best classes, pixel by pixel.

    A region is the 4-connected pixels of one arg-max class, background included. Its class loses its probability there and
    the others are scaled up to a sum of 1, until no small region is left or four times. A pixel whose other classes are
    all 0 stays as it is.

    Args:
        probs (Tensor): (C, h, w) float, probabilities that sum to 1 over the classes, C < 256; not changed.
        min_share (float): of h · w, in [0, 1); 0 keeps everything.

    Returns:
        Tensor: (C, h, w), ``probs`` itself where no region is small.

    Raises:
        InputError: ``min_share`` is out of range.
    """
    check_share(min_share, name='min_share')
    if not min_share:
        return probs
    labels = _best_classes(probs).cpu().numpy()
    absorbed = probs
    for _ in range(MOST_PASSES):
        small = _small_regions(labels, least=min_share * labels.size)
        if not small.any():
            break
        where = torch.from_numpy(small).to(probs.device)
        pixels = _without_best(absorbed[:, where])
        absorbed = probs.clone() if absorbed is probs else absorbed
        absorbed[:, where] = pixels
        labels[small] = pixels.argmax(0).cpu().numpy()
    return absorbed


def check_share(value: float, *, name: str) -> None:
    """Raise ``InputError`` unless a share is in [0, 1)."""
    if not 0 <= value < 1:
        raise InputError(f'{name} must be a share in [0, 1), got {value}')


def _best_classes(probs: Tensor) -> Tensor:
    """The first class (h, w) uint8 that has the maximum of (C, h, w). Class by class, as one map fits a CPU's cache."""
    if probs.device.type != 'cpu':
        return probs.argmax(0).byte()
    best = probs[0].clone()
    labels = torch.zeros(best.shape, dtype=torch.uint8)
    for label in range(1, len(probs)):
        labels.masked_fill_(probs[label] > best, label)
        torch.maximum(best, probs[label], out=best)
    return labels


def _without_best(pixels: Tensor) -> Tensor:
    """(C, K) probabilities → those of a world without each pixel's best class."""
    others = pixels.scatter(0, pixels.argmax(0, keepdim=True), 0)
    total = others.sum(0)
    return torch.where(total > 0, others / total, pixels)


def _small_regions(labels: np.ndarray, *, least: float) -> np.ndarray:
    """(h, w) uint8 classes → (h, w) bool: pixels of regions of fewer than ``least`` pixels.

    One search for all classes: pixels lie at every second place of a grid, with links between equal neighbours.
    """
    height, width = labels.shape
    grid = np.zeros((2 * height - 1, 2 * width - 1), np.uint8)
    grid[::2, ::2] = 1
    grid[1::2, ::2] = labels[1:] == labels[:-1]
    grid[::2, 1::2] = labels[:, 1:] == labels[:, :-1]
    regions = cv2.connectedComponents(grid, connectivity=4)[1][::2, ::2]
    return (np.bincount(regions.ravel()) < least)[regions]

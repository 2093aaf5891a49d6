"""Small regions of a person's probability map, most of them speckles, given to what else is likely there.

Letters: C classes, h, w size of the map, K pixels in small regions.
"""
import cv2
import numpy as np
import torch
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.leading_class import best_classes

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
    labels = best_classes(probs)[1].cpu().numpy()
    absorbed, flat = probs, probs.flatten(1)
    for _ in range(MOST_PASSES):
        small = _small_regions(labels, least=min_share * labels.size)
        if not small.any():
            break
        places = np.flatnonzero(small)
        where = torch.from_numpy(places).to(probs.device)
        pixels = _without_best(flat.index_select(1, where))
        if absorbed is probs:
            absorbed = probs.clone(memory_format=torch.contiguous_format)
            flat = absorbed.view(len(probs), -1)
        flat.index_copy_(1, where, pixels)
        labels.flat[places] = pixels.argmax(0).cpu().numpy()
    return absorbed


def check_share(value: float, *, name: str) -> None:
    """Raise ``InputError`` unless a share is in [0, 1)."""
    if not 0 <= value < 1:
        raise InputError(f'{name} must be a share in [0, 1), got {value}')


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

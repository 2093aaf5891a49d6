"""What a mirror does to classes, label maps and probabilities: left and right change places.

Letters: ``...`` any leading batch, C classes, h, w size of the maps.
"""
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from mmqanet.utils.threads import parallel_map


def mirrored_classes(num_classes: int, flip_pairs: Iterable[Sequence[int]]) -> list[int]:
    """The class that each of C becomes in a mirror: the two of a pair, left and right, change places."""
    classes = list(range(num_classes))
    for left, right in flip_pairs:
        classes[left], classes[right] = right, left
    return classes


def swap_sides(labels: np.ndarray, flip_pairs: Iterable[Sequence[int]]) -> np.ndarray:
    """Exchange the left and right classes of a uint8 label map; labels without a pair, such as 255, stay."""
    return _swap_table(tuple((left, right) for left, right in flip_pairs)).take(labels)


@lru_cache(maxsize=8)
def _swap_table(flip_pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    return np.array(mirrored_classes(256, flip_pairs), dtype=np.uint8)


def average_mirrored_(probs: Tensor, mirrored: Tensor, *, mirrored_classes: Sequence[int]) -> Tensor:
    """Average ``probs`` in place with what the network said of the mirrored crop, as the paper tests.

    Class by class: copies of whole maps would cost several times the average itself.

    Args:
        probs (Tensor): (..., C, h, w), overwritten by the average.
        mirrored (Tensor): (..., C, h, w), probabilities of the crop mirrored left to right, as they left the network.
        mirrored_classes (Sequence[int]): C classes, the one that each becomes in a mirror: left and right swap.

    Returns:
        Tensor: ``probs``.
    """
    inference = probs.is_inference()

    def average_class(label: int) -> None:
        with torch.inference_mode(inference), torch.no_grad():
            probs[..., label, :, :].add_(mirrored[..., mirrored_classes[label], :, :].flip(-1)).div_(2)

    for _ in (parallel_map if probs.device.type == 'cpu' else map)(average_class, range(len(mirrored_classes))):
        pass
    return probs

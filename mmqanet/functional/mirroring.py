"""Averaging a person's probabilities with those of the mirror image.

Letters: ``...`` any leading batch, C classes, h, w size of the maps.
"""
from collections.abc import Sequence

from torch import Tensor


def average_mirrored_(probs: Tensor, mirrored: Tensor, *, mirrored_classes: Sequence[int]) -> Tensor:
    """Average ``probs`` in place with what the network said of the mirrored crop (protocol, test).

    Class by class: copies of whole maps would cost several times the average itself.

    Args:
        probs (Tensor): (..., C, h, w), overwritten by the average.
        mirrored (Tensor): (..., C, h, w), probabilities of the crop mirrored left to right, as they left the network.
        mirrored_classes (Sequence[int]): C classes, the one that each becomes in a mirror: left and right swap.

    Returns:
        Tensor: ``probs``.
    """
    for label, mirrored_label in enumerate(mirrored_classes):
        probs[..., label, :, :].add_(mirrored[..., mirrored_label, :, :].flip(-1)).div_(2)
    return probs

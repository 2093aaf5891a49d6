"""Partial labels: label values beyond the classes that stand for one of a set of classes, e.g. for any garment.

With C classes, label C + i is the i-th set. Letters: B crops, h, w size of the maps.
"""
from torch import Tensor


def exact_labels(labels: Tensor, *, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Labels (B, h, w) with ``ignore_index`` in place of the partial ones."""
    return labels.masked_fill(labels >= num_classes, ignore_index)


def mostly_exact_labels(labels: Tensor, *, num_classes: int, ignore_index: int = 255, share: float = 0.9) -> Tensor:
    """The exact labels, but all ignored in crops where less than ``share`` of what is labelled has an exact one.

    Args:
        labels (Tensor): (B, h, w) int64, classes, partial labels or ``ignore_index``.
        num_classes (int): C.
        ignore_index (int): label that does not count.
        share (float): in [0, 1].
    """
    exact = exact_labels(labels, num_classes=num_classes, ignore_index=ignore_index)
    labelled = (labels != ignore_index).sum((1, 2))
    few = (exact != ignore_index).sum((1, 2)) < share * labelled
    return exact.masked_fill(few[:, None, None], ignore_index)

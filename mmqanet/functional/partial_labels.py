"""Partial labels: label values beyond the classes that stand for one of a set of classes, e.g. for any garment.

With C classes, label C + i is the i-th set. Letters: B crops, h, w size of the maps.
"""
from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor


def merged_labels(table: Sequence[int], label_sets: Iterable[Sequence[int]], *, ignore_index: int = 255) -> np.ndarray:
    """What every label becomes where classes are merged: (256,) uint8.

    A partial label whose classes all become the same one becomes that. Other partial labels, and classes that are left out,
    become ``ignore_index``.

    Args:
        table: for each of the C classes the merged one, or -1 for one left out.
        label_sets: the classes that each partial label stands for.
    """
    merged = np.full(256, ignore_index, np.uint8)
    for label, origins in enumerate([*((label,) for label in range(len(table))), *label_sets]):
        targets = {table[origin] for origin in origins} or {-1}
        if len(targets) == 1 and (target := targets.pop()) >= 0:
            merged[label] = target
    return merged


def undecided_classes(present: Iterable[int], table: Sequence[int], label_sets: Sequence[Sequence[int]]) -> set[int]:
    """Merged classes that an annotation leaves open: it may show them or not.

    Args:
        present: labels of an annotation, of which those from C on are partial; 255 = ignore.
        table, label_sets: as in :func:`merged_labels`.
    """
    sets = [label_sets[label - len(table)] for label in present if len(table) <= label < len(table) + len(label_sets)]
    targets = [{table[origin] for origin in origins} for origins in sets]
    return {target for merged in targets if len(merged) > 1 for target in merged if target >= 0}


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

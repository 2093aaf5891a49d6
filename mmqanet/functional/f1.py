"""F1 scores of classes and of groups of classes, from a confusion matrix.

Letters: C classes with background as class 0.
"""
from collections.abc import Sequence

import numpy as np


def group_f1(confusion: np.ndarray, labels: Sequence[int]) -> float:
    """F1 of some classes joined into one: pixels that are predicted as another class of the group are right.

    Args:
        confusion: (C, C) counts of pixels, rows = label, columns = prediction.
        labels: the classes of the group.

    Returns:
        float: 2 · |P ∩ G| / (|P| + |G|) in [0, 1] over all pixels counted; NaN where the group is neither labelled nor
        predicted.
    """
    group = list(labels)
    sizes = confusion[group].sum() + confusion[:, group].sum()
    return float(2 * confusion[np.ix_(group, group)].sum() / sizes) if sizes else float('nan')


def class_f1(confusion: np.ndarray) -> np.ndarray:
    """(C,) float64, the F1 of every class of a (C, C) confusion matrix; NaN for one that occurs nowhere."""
    return np.array([group_f1(confusion, [label]) for label in range(len(confusion))])


def mean_f1(confusion: np.ndarray) -> float:
    """The plain mean over the classes but the background; classes that occur nowhere are left out, and NaN if all are."""
    scores = class_f1(confusion)[1:]
    return float(np.nanmean(scores)) if not np.isnan(scores).all() else float('nan')

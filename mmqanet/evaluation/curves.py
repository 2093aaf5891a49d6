"""Precision-recall curves of scored images."""
from collections.abc import Sequence

import numpy as np

from mmqanet.evaluation.scores import ParsingScores, counted_records
from mmqanet.functional.average_precision import (
    PART_THRESHOLDS,
    pool_masks,
    pool_people,
    precision_recall,
    threshold_column,
)

Curves = dict[str, tuple[np.ndarray, np.ndarray]]
SHOWN = {'APp': (0.1, 0.3, 0.5, 0.7, 0.9), 'APr': (0.5,), 'APh': (0.5, 0.75)}


def precision_recall_curves(scores: ParsingScores, *, class_names: Sequence[str]) -> dict[str, Curves]:
    """Curves to draw: metric key → label → recall and precision envelope (n,).

    AP^p and AP^h give one curve an IoU threshold, AP^r one a class at 0.5.
    """
    people = [record.people for record in scores.records if record.people is not None]
    counted = counted_records(scores.records, scores.missing)
    parts = [record.parts for record in counted if record.parts is not None]
    humans = [record.humans for record in counted if record.humans is not None]
    curves: dict[str, Curves] = {}
    if scores.app is not None:
        recall, precision = precision_recall(*pool_people(people))
        columns = {f'IoU > {t}': threshold_column(PART_THRESHOLDS, t) for t in SHOWN['APp']}
        curves['APp'] = {label: (recall[:, column], precision[:, column]) for label, column in columns.items()}
    if scores.apr is not None:
        curves['APr'] = _mask_curves(parts, class_names, SHOWN['APr'])
    if scores.aph is not None:
        curves['APh'] = _mask_curves(humans, (), SHOWN['APh'])
    return curves


def _mask_curves(matches: list, class_names: Sequence[str], thresholds: tuple[float, ...]) -> Curves:
    """A curve for each class (background aside) and threshold; without classes all masks have label 0."""
    labels, scores, ious, num_masks = pool_masks(matches, num_classes=max(len(class_names), 1))
    curves = {}
    for label in range(1, len(class_names)) if class_names else (0,):
        own = labels == label
        recall, precision = precision_recall(scores[own], ious[own, None] > np.array(thresholds), int(num_masks[label]))
        for column, threshold in enumerate(thresholds):
            curves[class_names[label] if class_names else f'IoU > {threshold}'] = recall[:, column], precision[:, column]
    return curves



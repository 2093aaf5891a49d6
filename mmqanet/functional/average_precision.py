"""Matching rules and average precision: AP^p, PCP, AP^r and AP^h.

An image is first reduced to matches, a few numbers a prediction; the scores of a data set follow from the matches of
its images, in the order of the images. So the maps of a data set never have to be held together.

Letters: N predicted people, G annotated people, K predicted and L annotated masks, C classes, T thresholds.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmqanet.functional.overlaps import mean_present

#: IoU thresholds of AP^p, PCP and AP^r: 0.1 … 0.9.
PART_THRESHOLDS = np.arange(1, 10) / 10
#: IoU thresholds of AP^h: 0.5, 0.55 … 0.95.
HUMAN_THRESHOLDS = np.arange(50, 100, 5) / 100
#: Predictions below this instance score do not enter AP^p and PCP, unless the post-processor had another threshold.
INSTANCE_THRESHOLD = 0.01


def threshold_column(thresholds: np.ndarray, value: float) -> int:
    """The column of a table over ``thresholds`` that belongs to ``value``."""
    return int(np.abs(thresholds - value).argmin())


@dataclass(frozen=True)
class PersonMatches:
    """AP^p and PCP matches of one image.

    Attributes:
        scores: (N,) float64 instance scores of the predictions that count.
        hits: (N, T) bool, true positive at each threshold.
        correct_parts: (T,) float64, sum over the image's people of the share of their classes that are correct.
        num_people: G.
    """

    scores: np.ndarray
    hits: np.ndarray
    correct_parts: np.ndarray
    num_people: int


@dataclass(frozen=True)
class MaskMatches:
    """AP^r or AP^h matches of one image: (K,) int ``labels``, (K,) float64 ``scores``, (K,) float64 ``ious`` with the
    best annotated mask of the same label, and (C,) int64 ``num_masks``, annotated masks of each label."""

    labels: np.ndarray
    scores: np.ndarray
    ious: np.ndarray
    num_masks: np.ndarray


def match_people(class_ious: np.ndarray, scores: np.ndarray, label_areas: np.ndarray, *,
                 thresholds: np.ndarray = PART_THRESHOLDS,
                 score_threshold: float = INSTANCE_THRESHOLD) -> PersonMatches:
    """Match the people of one image for AP^p and PCP.

    By descending score (ties: lower index first), each prediction is compared with the annotated person it overlaps
    best in mean IoU, and with no other. It is a true positive at t if that IoU is above t (strictly) and the person is
    still unused at t. The PCP of a matched person is (classes ≥ 1 with IoU > t) / (classes ≥ 1 annotated), that of an
    unmatched one 0.

    Args:
        class_ious: (N, G, C), NaN where a class is in neither map.
        scores: (N,) instance scores; those below ``score_threshold`` are left out.
        label_areas: (G, C) pixels of each annotated person's classes.
        thresholds: (T,).
    """
    num_people = class_ious.shape[1]
    order = np.argsort(-scores, kind='stable')
    order = order[scores[order] >= score_threshold]
    hits = np.zeros((len(order), len(thresholds)), dtype=bool)
    correct_parts = np.zeros(len(thresholds))
    if num_people:
        used = np.zeros((num_people, len(thresholds)), dtype=bool)
        mean_ious = mean_present(class_ious)
        num_parts = np.maximum((label_areas[:, 1:] > 0).sum(axis=1), 1)
        for row, index in enumerate(order):
            best = int(mean_ious[index].argmax())
            hits[row] = (mean_ious[index, best] > thresholds) & ~used[best]
            used[best] |= hits[row]
            correct = (class_ious[index, best, 1:, None] > thresholds).sum(axis=0)
            correct_parts += np.where(hits[row], correct / num_parts[best], 0.0)
    return PersonMatches(scores=scores[order], hits=hits, correct_parts=correct_parts, num_people=num_people)


def match_masks(ious: np.ndarray, labels: np.ndarray, scores: np.ndarray, gt_labels: np.ndarray,
                num_classes: int) -> MaskMatches:
    """Match the masks of one image for AP^r (labels = classes) or AP^h (a single label 0).

    Args:
        ious: (K, L) IoUs of predicted with annotated masks.
        labels, scores: (K,) of the predictions.
        gt_labels: (L,) of the annotated masks.
        num_classes: C, all labels lie in [0, C).
    """
    labels, gt_labels = np.asarray(labels, dtype=np.int64), np.asarray(gt_labels, dtype=np.int64)
    same = labels[:, None] == gt_labels[None, :]
    return MaskMatches(labels=labels, scores=np.asarray(scores, dtype=np.float64),
                       ious=np.where(same, ious, 0.0).max(axis=1, initial=0.0),
                       num_masks=np.bincount(gt_labels, minlength=num_classes))


def average_precision(scores: np.ndarray, hits: np.ndarray, num_targets: int) -> np.ndarray:
    """Area under the precision envelope (Pascal VOC 2010 and later) at each threshold.

    Args:
        scores: (n,) of all predictions, in the order of the images; ties keep that order.
        hits: (n, T) bool, true positives.
        num_targets: annotated targets. With none the result is NaN if there are predictions, else 0.

    Returns:
        (T,) float64. Where targets are not used up, recall and so the area may pass 1.
    """
    if num_targets == 0 or len(scores) == 0:
        return np.full(hits.shape[1], np.nan if num_targets == 0 and len(scores) else 0.0)
    recall, envelope = _curve(scores, hits, num_targets)
    return (np.diff(recall, axis=0, prepend=0.0) * envelope).sum(axis=0)


def precision_recall(scores: np.ndarray, hits: np.ndarray, num_targets: int) -> tuple[np.ndarray, np.ndarray]:
    """The curve under which :func:`average_precision` lies: recall and precision envelope, each (n, T)."""
    if num_targets == 0 or len(scores) == 0:
        return np.zeros((0, hits.shape[1])), np.zeros((0, hits.shape[1]))
    return _curve(scores, hits, num_targets)


def _curve(scores: np.ndarray, hits: np.ndarray, num_targets: int) -> tuple[np.ndarray, np.ndarray]:
    true_positives = np.cumsum(hits[np.argsort(-scores, kind='stable')], axis=0)
    precision = true_positives / np.arange(1, len(scores) + 1)[:, None]
    return true_positives / num_targets, np.maximum.accumulate(precision[::-1], axis=0)[::-1]


def person_precision(matches: Sequence[PersonMatches], *,
                     num_thresholds: int = len(PART_THRESHOLDS)) -> tuple[np.ndarray, np.ndarray]:
    """AP^p and PCP, each (T,), of the images' matches in image order; PCP is NaN where nobody is annotated."""
    scores, hits, num_people = pool_people(matches, num_thresholds=num_thresholds)
    correct = np.sum([match.correct_parts for match in matches], axis=0) if matches else np.zeros(num_thresholds)
    pcp = correct / num_people if num_people else np.full(num_thresholds, np.nan)
    return average_precision(scores, hits, num_people), pcp


def pool_people(matches: Sequence[PersonMatches], *,
                num_thresholds: int = len(PART_THRESHOLDS)) -> tuple[np.ndarray, np.ndarray, int]:
    """Scores (n,), hits (n, T) and number of people of several images together."""
    scores = np.concatenate([np.zeros(0), *(match.scores for match in matches)])
    hits = np.concatenate([np.zeros((0, num_thresholds), dtype=bool), *(match.hits for match in matches)])
    return scores, hits, sum(match.num_people for match in matches)


def mask_precision(matches: Sequence[MaskMatches], thresholds: np.ndarray, num_classes: int) -> np.ndarray:
    """AP^r or AP^h of the images' matches: (C, T), one row a label.

    A prediction is a true positive at t if its best IoU with an annotated mask of its label in its image is above t
    (strictly). Annotated masks are **not** used up, so duplicates count and an AP may pass 1.
    """
    labels, scores, ious, num_masks = pool_masks(matches, num_classes=num_classes)
    table = np.zeros((num_classes, len(thresholds)))
    for label in range(num_classes):
        own = labels == label
        table[label] = average_precision(scores[own], ious[own, None] > thresholds, int(num_masks[label]))
    return table


def pool_masks(matches: Sequence[MaskMatches], *,
               num_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and best IoUs (n,) and annotated masks (C,) of several images together."""
    labels = np.concatenate([np.zeros(0, dtype=np.int64), *(match.labels for match in matches)])
    scores = np.concatenate([np.zeros(0), *(match.scores for match in matches)])
    ious = np.concatenate([np.zeros(0), *(match.ious for match in matches)])
    return labels, scores, ious, sum((match.num_masks for match in matches), np.zeros(num_classes, dtype=np.int64))


def mean_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of the entries that are not NaN; NaN where none is."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=0)
    return np.where(count > 0, np.where(defined, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)

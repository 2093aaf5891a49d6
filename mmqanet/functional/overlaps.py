"""Joint histograms of label maps, and the IoUs and accuracies that follow from them.

Every overlap of an image comes from counting pairs of labels once: the histogram of (label, prediction) pairs holds all
intersections, its margins hold all areas.

Letters: N predicted people, G annotated people, C classes with background as class 0, H, W the image, h, w a crop.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from mmqanet.errors import InputError

EPSILON = 1e-10  # protocol: added to the denominators of the semantic scores, so an absent class counts 0

Map = TypeVar('Map', np.ndarray, torch.Tensor)


@dataclass(frozen=True)
class SegmentationScores:
    """Semantic scores as fractions: ``mean_iou``, ``mean_accuracy``, ``pixel_accuracy``; ``class_iou`` and
    ``class_accuracy`` are (C,) float64."""

    mean_iou: float
    mean_accuracy: float
    pixel_accuracy: float
    class_iou: np.ndarray
    class_accuracy: np.ndarray


def confusion_matrix(pred: Map, label: Map, num_classes: int) -> Map:
    """Counts of (label, prediction) pairs.

    Args:
        pred: integer classes in [0, C), any shape.
        label: integer classes, same shape; values outside [0, C), such as 255 = ignore, are left out.
        num_classes: C.

    Returns:
        (C, C) int64, rows = label, columns = prediction; a tensor on the device of ``pred`` for tensors.

    Raises:
        InputError: the shapes differ, or a prediction lies outside [0, C).
    """
    if tuple(pred.shape) != tuple(label.shape):
        raise InputError(f'pred and label differ in shape: {tuple(pred.shape)} and {tuple(label.shape)}')
    if isinstance(pred, torch.Tensor):
        return _confusion_tensor(pred, label, num_classes)
    check_classes(pred, num_classes, name='pred')
    if label.dtype == np.uint8:
        rows = (np.minimum(np.arange(256), num_classes) * num_classes)[label]
    else:
        rows = np.where((label < 0) | (label >= num_classes), num_classes, label).astype(np.intp) * num_classes
    rows += pred
    counts = np.bincount(rows.ravel(), minlength=num_classes * (num_classes + 1))
    return counts[:num_classes * num_classes].reshape(num_classes, num_classes)


def _confusion_tensor(pred: torch.Tensor, label: torch.Tensor, num_classes: int) -> torch.Tensor:
    if pred.numel() and not 0 <= int(pred.min()) <= int(pred.max()) < num_classes:
        raise InputError(f'pred holds classes outside [0, {num_classes})')
    valid = (label >= 0) & (label < num_classes)
    codes = label[valid].long() * num_classes + pred[valid].long()
    return torch.bincount(codes, minlength=num_classes * num_classes).reshape(num_classes, num_classes)


def check_classes(classes: np.ndarray, num_classes: int, *, name: str) -> None:
    """Raise an InputError that names ``name`` unless every class lies in [0, num_classes)."""
    if not classes.size:
        return
    low, high = int(classes.min()), int(classes.max())
    if low < 0 or high >= num_classes:
        raise InputError(f'{name} holds class {low if low < 0 else high}, outside [0, {num_classes})')


def segmentation_scores(confusion: np.ndarray) -> SegmentationScores:
    """Mean IoU, mean accuracy (both over all C classes, background included) and pixel accuracy of a (C, C) matrix of
    counts with rows = label; an absent class counts 0."""
    confusion = np.asarray(confusion, dtype=np.float64)
    hits, labels, preds = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    class_iou = hits / (labels + preds - hits + EPSILON)
    class_accuracy = hits / (labels + EPSILON)
    return SegmentationScores(
        mean_iou=float(class_iou.mean()), mean_accuracy=float(class_accuracy.mean()),
        pixel_accuracy=float(hits.sum() / max(confusion.sum(), 1)), class_iou=class_iou,
        class_accuracy=class_accuracy)


def mask_ious(pred: np.ndarray, label: np.ndarray, pred_ids: np.ndarray, label_ids: np.ndarray) -> np.ndarray:
    """IoUs of all pairs of masks of two id maps, from one joint histogram.

    Args:
        pred, label: (H, W) non-negative integer ids; mask k of a map is where it equals id k.
        pred_ids, label_ids: (P,) and (G,) the ids to compare, each distinct and positive.

    Returns:
        (P, G) float64; 0 where both masks are empty.
    """
    pred_ids, label_ids = np.asarray(pred_ids, dtype=np.int64), np.asarray(label_ids, dtype=np.int64)
    rows, columns = len(pred_ids) + 1, len(label_ids) + 1
    codes = _rank_table(pred, pred_ids, scale=columns)[pred]
    codes += _rank_table(label, label_ids)[label]
    joint = np.bincount(codes.ravel(), minlength=rows * columns).reshape(rows, columns)
    inter = joint[1:, 1:]
    union = joint.sum(axis=1)[1:, None] + joint.sum(axis=0)[None, 1:] - inter
    return inter / np.maximum(union, 1)


def _rank_table(ids_map: np.ndarray, ids: np.ndarray, *, scale: int = 1) -> np.ndarray:
    """A table that sends id ``ids[k]`` to (k + 1) · scale and every other id to 0."""
    size = 256 if ids_map.dtype == np.uint8 else int(ids_map.max(initial=0)) + 1
    table = np.zeros(max(size, int(ids.max(initial=0)) + 1), dtype=np.intp)
    table[ids] = np.arange(1, len(ids) + 1) * scale
    return table


def class_areas(label_maps: Sequence[np.ndarray], num_classes: int, image_area: int) -> np.ndarray:
    """Pixels of each class in each person's map, (N, C) int64; what lies outside a crop counts as background."""
    areas = np.zeros((len(label_maps), num_classes), dtype=np.int64)
    for row, label_map in zip(areas, label_maps):
        row[:] = np.bincount(label_map.ravel(), minlength=num_classes)
    areas[:, 0] = image_area - areas[:, 1:].sum(axis=1)
    return areas


def people_class_ious(label_maps: Sequence[np.ndarray], offsets: np.ndarray, category: np.ndarray, human: np.ndarray,
                      person_ids: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Per-class IoUs, over the whole image, of each predicted with each annotated person.

    An annotated person's map is ``category * (human == id)``; its pixels whose category lies outside [0, C) are left
    out of that person's comparisons, other people have background there.

    Args:
        label_maps, offsets: N predicted people as crops, as in :func:`mmqanet.functional.merging.merge_people`.
        category, human: (H, W) annotated class and person id of every pixel.
        person_ids: (G,) ids of the annotated people.
        num_classes: C.

    Returns:
        (N, G, C) float64, NaN where a class is in neither map; and (G, C) int64, the pixels of each annotated person's
        classes.
    """
    num_people, bins = len(person_ids), num_classes + 1  # the last bin holds labels outside [0, C)
    flat = np.where((category < 0) | (category >= num_classes), num_classes, category).astype(np.intp)
    flat += _rank_table(human, np.asarray(person_ids, dtype=np.int64), scale=bins)[human]
    shape = (num_people + 1, bins)
    areas = np.bincount(flat.ravel(), minlength=shape[0] * bins).reshape(shape)[1:]
    ignored = areas[:, num_classes]
    label_areas = areas[:, :num_classes].copy()
    label_areas[:, 0] = category.size - ignored - label_areas[:, 1:].sum(axis=1)

    ious = np.empty((len(label_maps), num_people, num_classes))
    totals = class_areas(label_maps, num_classes, category.size)
    for index, (label_map, (y, x)) in enumerate(zip(label_maps, offsets)):
        height, width = label_map.shape
        painted = label_map != 0
        codes = flat[y:y + height, x:x + width][painted] * num_classes + label_map[painted]
        joint = np.bincount(codes, minlength=shape[0] * bins * num_classes).reshape(*shape, num_classes)[1:]
        # Column 0 was not counted: where the person predicts background is what remains of each area.
        pred_areas = totals[index] - joint[:, num_classes]
        pred_areas[:, 0] -= ignored - joint[:, num_classes].sum(axis=1)
        inter = np.diagonal(joint, axis1=1, axis2=2).copy()
        missed = areas[:, 1:num_classes] - joint[:, 1:num_classes].sum(axis=2)
        inter[:, 0] = pred_areas[:, 0] - missed.sum(axis=1)
        union = label_areas + pred_areas - inter
        ious[index] = class_ious(inter, union)
    return ious, label_areas


def class_ious(inter: np.ndarray, union: np.ndarray) -> np.ndarray:
    """Intersection / union, float64; NaN where the union is empty, that is, for a class in neither map."""
    return np.divide(inter, union, out=np.full(inter.shape, np.nan), where=union > 0)


def mean_present(ious: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the classes present in either map (those that are not NaN); 0 where there is none."""
    present = ~np.isnan(ious)
    return np.where(present, ious, 0.0).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)

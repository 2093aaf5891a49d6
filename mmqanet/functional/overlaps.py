"""Joint histograms of label maps, and the IoUs and accuracies that follow from them.

Every overlap of an image comes from counting pairs of labels once: the histogram of (label, prediction) pairs holds all
intersections, its margins hold all areas. Pixels are counted by runs in which no map changes: annotated photos have 30 to
140 pixels a run.

Letters: B images of a batch, C classes with background as class 0, H, W the image, h, w size of smaller maps.
"""
import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mmqanet.errors import InputError

EPSILON = 1e-10  # CIHP's evaluation adds it to the denominators of the semantic scores, so an absent class counts 0

Map = TypeVar('Map', np.ndarray, Tensor)


@dataclass(frozen=True)
class SegmentationScores:
    """Semantic scores as fractions: ``mean_iou``, ``mean_accuracy``, ``pixel_accuracy``; ``class_iou`` and
    ``class_accuracy`` are (C,) float64."""

    mean_iou: float
    mean_accuracy: float
    pixel_accuracy: float
    class_iou: np.ndarray
    class_accuracy: np.ndarray


def runs(*maps: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Run-length code of maps of one shape, taken together in row-major order.

    The functions below take such values in place of maps, if they are given the ``lengths`` too: an image whose maps
    are compared in several ways is then coded once.

    Returns:
        the value of each map in each run, a list of (R,) arrays, and the runs' lengths (R,) int64.
    """
    first, *others = flat = [values.ravel() for values in maps]
    begins = np.empty(first.size, dtype=bool)
    begins[:1] = True
    np.not_equal(first[1:], first[:-1], out=begins[1:])
    changes = np.empty_like(begins[1:])
    for values in others:
        begins[1:] |= np.not_equal(values[1:], values[:-1], out=changes)
    starts = begins.nonzero()[0]
    lengths = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=lengths[:-1])
    lengths[-1:] = first.size - starts[-1:]
    return [values.take(starts) for values in flat], lengths


def distinct(ids_map: np.ndarray) -> np.ndarray:
    """The distinct ids above 0 of a map or of its run values, ascending, int64."""
    ids = np.unique(runs(ids_map)[0][0]).astype(np.int64)
    return ids[ids > 0]


def histogram(codes: np.ndarray, lengths: np.ndarray, *shape: int) -> np.ndarray:
    """Pixels of each code in [0, prod(shape)), as an int64 array of ``shape``."""
    counts = np.bincount(codes, weights=lengths, minlength=math.prod(shape))  # float64 is exact up to 2^53 pixels
    return counts.astype(np.int64).reshape(shape)


def confusion_matrix(pred: Map, label: Map, num_classes: int, *, lengths: Map | None = None) -> Map:
    """Counts of (label, prediction) pairs.

    Args:
        pred: integer classes in [0, C), any shape.
        label: integer classes, same shape; values outside [0, C), such as 255 = ignore, are left out.
        num_classes: C.
        lengths: pixels that each entry stands for, from :func:`runs`; None for maps. Arrays only.

    Returns:
        (C, C) int64, rows = label, columns = prediction; a tensor on the device of ``pred`` for tensors.

    Raises:
        InputError: the shapes differ, or a prediction lies outside [0, C).
    """
    if tuple(pred.shape) != tuple(label.shape):
        raise InputError(f'pred and label differ in shape: {tuple(pred.shape)} and {tuple(label.shape)}')
    if isinstance(pred, Tensor):
        return _confusion_tensor(pred, label, num_classes)
    check_classes(pred, num_classes, name='pred')
    if lengths is None:
        (pred, label), lengths = runs(pred, label)
    codes = clip_labels(label, num_classes) * num_classes + pred
    return histogram(codes, lengths, num_classes + 1, num_classes)[:num_classes]


def clip_labels(label: np.ndarray, num_classes: int) -> np.ndarray:
    """Labels as intp, those outside [0, C) set to C."""
    if label.dtype.kind == 'u':
        return np.minimum(label, num_classes, dtype=np.intp)
    return np.where((label < 0) | (label >= num_classes), num_classes, label).astype(np.intp)


def _confusion_tensor(pred: Tensor, label: Tensor, num_classes: int) -> Tensor:
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


def mask_ious(pred: np.ndarray, label: np.ndarray, pred_ids: np.ndarray, label_ids: np.ndarray, *,
              lengths: np.ndarray | None = None) -> np.ndarray:
    """IoUs of all pairs of masks of two id maps, from one joint histogram.

    Args:
        pred, label: (H, W) non-negative integer ids; mask k of a map is where it equals id k.
        pred_ids, label_ids: (P,) and (G,) the ids to compare, each distinct and positive.
        lengths: pixels that each entry stands for, from :func:`runs`; None for maps.

    Returns:
        (P, G) float64; 0 where both masks are empty.
    """
    pred_ids, label_ids = np.asarray(pred_ids, dtype=np.int64), np.asarray(label_ids, dtype=np.int64)
    rows, columns = len(pred_ids) + 1, len(label_ids) + 1
    if lengths is None:
        (pred, label), lengths = runs(pred, label)
    codes = ranks(pred, pred_ids) * columns + ranks(label, label_ids)
    joint = histogram(codes, lengths, rows, columns)
    inter = joint[1:, 1:]
    union = joint.sum(axis=1)[1:, None] + joint.sum(axis=0)[None, 1:] - inter
    return inter / np.maximum(union, 1)


def ranks(values: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """k + 1 where a value equals ``ids[k]``, 0 where it equals none."""
    table = np.zeros(max(int(values.max(initial=0)), int(ids.max(initial=0))) + 1, dtype=np.intp)
    table[ids] = np.arange(1, len(ids) + 1)
    return table[values]


def class_ious(inter: np.ndarray, union: np.ndarray) -> np.ndarray:
    """Intersection / union, float64; NaN where the union is empty, that is, for a class in neither map."""
    return np.divide(inter, union, out=np.full(inter.shape, np.nan), where=union > 0)


def mean_present(ious: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the classes present in either map (those that are not NaN); 0 where there is none."""
    present = ~np.isnan(ious)
    return np.where(present, ious, 0.0).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)


def mean_class_iou(pred: Tensor, labels: Tensor, *, num_classes: int, ignore_index: int = 255) -> Tensor:
    """The mean IoU of each image of a batch, over the classes present in its prediction or label, background included.

    It is the target of the IoU head (docs/training.md).

    Args:
        pred (Tensor): (B, h, w) int64, predicted classes in [0, C).
        labels (Tensor): (B, h, w) integer, in [0, C) or ``ignore_index``; ignored pixels count nowhere.
        num_classes (int): C.
        ignore_index (int): label that is left out.

    Returns:
        Tensor: (B,) float32 in [0, 1]; 0 for an image whose pixels are all ignored.

    Raises:
        InputError: a class is out of range, in a pixel that is not ignored.
    """
    counted = labels != ignore_index
    for name, classes in (('pred', pred[counted]), ('labels', labels[counted])):
        if classes.numel() and not 0 <= (low := int(classes.min())) <= (high := int(classes.max())) < num_classes:
            raise InputError(f'{name} hold class {low if low < 0 else high}, outside [0, {num_classes})')
    batch = len(pred)
    image = torch.arange(batch, device=pred.device).view(-1, 1, 1)
    pairs = (image * num_classes + labels.long()) * num_classes + pred
    joint = torch.bincount(pairs[counted], minlength=batch * num_classes**2).view(batch, num_classes, num_classes)
    intersection = joint.diagonal(dim1=1, dim2=2).float()
    union = joint.sum(1) + joint.sum(2) - intersection
    present = union > 0
    iou = intersection / union.clamp(min=1)
    return iou.sum(1) / present.sum(1).clamp(min=1)

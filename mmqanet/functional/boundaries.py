"""How well the borders of classes agree: Boundary IoU and IoU near annotated borders.

Boundary IoU (Cheng et al., CVPR 2021, Eq. 4) compares of each class the pixels that lie near its own border, in prediction
and annotation. Trimap IoU (Kohli et al., IJCV 2009) compares the pixels near annotated borders, whatever is predicted. Both
notice borders that are off by some pixels, which IoU hardly does where people are large.

A pixel lies near a border, with a reach of r, if the square of 2r + 1 pixels around it holds another class. Ignored pixels
are no class. For Boundary IoU, but not for trimap IoU, what lies outside the image is another class.

Letters: C classes with background as class 0, H, W the image.
"""
import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.overlaps import check_classes, clip_labels, confusion_matrix

BOUNDARY_RATIO = 0.02  # of the image's diagonal: the reach of Boundary IoU on COCO and LVIS
TRIMAP_REACHES = (2, 4, 8)  # pixels


def boundary_counts(pred: np.ndarray, label: np.ndarray, num_classes: int, *, ratio: float = BOUNDARY_RATIO) -> np.ndarray:
    """Pixels that Boundary IoU counts in one image.

    Args:
        pred: (H, W) integer classes in [0, C).
        label: (H, W) integer classes; values outside [0, C), such as 255 = ignore, count nowhere.
        num_classes: C, at most 255.
        ratio: the reach as a share of the image's diagonal, rounded to pixels and at least 1.

    Returns:
        (2, C) int64: of each class the intersection and the union of its pixels near its border in ``pred`` and ``label``.

    Raises:
        InputError: the shapes differ, or a prediction lies outside [0, C).
    """
    label = _checked_label(pred, label, num_classes)
    known = label < num_classes
    reach = max(int(np.floor(ratio * np.hypot(*label.shape) + 0.5)), 1)
    frame = _near_frame(label.shape, reach)
    found = known & (frame | near_other_class(pred, reach, known=known))
    annotated = known & (frame | near_other_class(label, reach, known=known))
    sizes = (np.bincount(values[inside], minlength=num_classes)
             for values, inside in ((pred, found), (label, annotated), (label, found & annotated & (pred == label))))
    pred_sizes, label_sizes, intersections = sizes
    return np.stack([intersections, pred_sizes + label_sizes - intersections])


def trimap_counts(pred: np.ndarray, label: np.ndarray, num_classes: int, *, reach: int) -> np.ndarray:
    """Pixels that trimap IoU counts in one image.

    Args:
        pred, label, num_classes: as for :func:`boundary_counts`.
        reach: pixels.

    Returns:
        (2, C) int64: of each class the intersection and the union of its pixels in ``pred`` and ``label``, among the pixels
        near any border of ``label``.
    """
    label = _checked_label(pred, label, num_classes)
    near = near_other_class(label, reach, known=label < num_classes)
    confusion = confusion_matrix(pred[near], label[near], num_classes)
    intersections = np.diag(confusion)
    return np.stack([intersections, confusion.sum(axis=0) + confusion.sum(axis=1) - intersections])


def near_other_class(classes: np.ndarray, reach: int, *, known: np.ndarray) -> np.ndarray:
    """Where the square of 2 · reach + 1 pixels around a known pixel holds a known pixel of another class.

    Args:
        classes: (H, W) uint8.
        known: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    highest = _around(np.where(known, classes, 0).astype(np.uint8), reach, np.maximum)
    lowest = _around(np.where(known, classes, 255).astype(np.uint8), reach, np.minimum)
    return known & (highest != lowest)


def _around(values: np.ndarray, reach: int, join: np.ufunc) -> np.ndarray:
    """The largest or the smallest value in the square around each pixel, as far as it lies inside the image."""
    for axis in (0, 1):
        moved = np.moveaxis(values, axis, 0)
        size = len(moved)
        joined = np.pad(moved, ((min(reach, size), min(reach, size)), (0, 0)), mode='edge')
        covered, wanted = 1, 2 * min(reach, size) + 1
        while covered < wanted:  # each step joins two windows, the last ones overlapping
            step = min(covered, wanted - covered)
            joined = join(joined[:len(joined) - step], joined[step:])
            covered += step
        values = np.moveaxis(joined, 0, axis)
    return values


def _near_frame(shape: tuple[int, ...], reach: int) -> np.ndarray:
    """(H, W) bool: pixels from which something outside the image is within reach."""
    frame = np.ones(shape, dtype=bool)
    frame[reach:shape[0] - reach, reach:shape[1] - reach] = False
    return frame


def _checked_label(pred: np.ndarray, label: np.ndarray, num_classes: int) -> np.ndarray:
    """The label as uint8, C where it is ignored."""
    if pred.shape != label.shape:
        raise InputError(f'pred and label differ in shape: {pred.shape} and {label.shape}')
    check_classes(pred, num_classes, name='pred')
    return clip_labels(label, num_classes).astype(np.uint8)

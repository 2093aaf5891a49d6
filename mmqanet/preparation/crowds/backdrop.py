"""The surroundings of a photo without its person: real pixels, mirrored from both sides into the columns the person took.

A fill in the shape of the person would teach a detector to find the fill; whole columns have no such shape.
"""
from collections.abc import Sequence

import cv2
import numpy as np

_MARGIN = 14  # columns beside a person that are left out with the person
_LEAST = 48  # columns that a side needs to be mirrored
_FEATHER = 6.0  # columns
_STEP = 4  # pixels to one of the reduced picture in which the line is sought
_RIM = 2  # columns of that picture that the line shuns, so that it fades out before what lies beside


def clear(image: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """A photo without its person.

    The columns of the person are filled with the mirror images of what lies left and right of them; the two meet
    along the line where they differ least.

    Args:
        image: (H, W, 3) uint8 BGR.
        mask: (H, W) bool, the person's pixels; some must be set.

    Returns:
        The photo (H, W, 3) uint8, or ``None`` where neither side of the person is wide enough.
    """
    columns = np.flatnonzero(mask.any(axis=0))
    start, stop = max(columns[0] - _MARGIN, 0), min(columns[-1] + 1 + _MARGIN, image.shape[1])
    left, right = image[:, :start], image[:, stop:]
    places = np.arange(stop - start)
    from_left = left[:, reflect(places + start, start)] if start >= _LEAST else None
    width = image.shape[1] - stop
    from_right = right[:, reflect(places - len(places), width)] if width >= _LEAST else None
    if from_left is None and from_right is None:
        return None
    if from_left is None or from_right is None:
        middle = from_left if from_right is None else from_right
    else:
        share = _share_of_right(from_left, from_right)[..., None]
        middle = np.rint(from_left * (1 - share) + from_right * share).astype(np.uint8)
    return np.concatenate([image[:, :start], middle, image[:, stop:]], axis=1)


def reflect(places: np.ndarray | Sequence[int], size: int) -> np.ndarray:
    """Indices into ``size`` pixels for any integers, as if mirrors stood at both ends."""
    within = np.asarray(places) % (2 * size)
    return np.where(within < size, within, 2 * size - 1 - within)


def _share_of_right(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(H, w) float32: 0 left, 1 right of the path from top to bottom along which two pictures (H, w, 3) differ least."""
    height, width = left.shape[:2]
    cost = cv2.resize(cv2.absdiff(left, right), (-(-width // _STEP), -(-height // _STEP)), interpolation=cv2.INTER_AREA)
    cost = cost.sum(axis=2, dtype=np.float32)
    cost[:, :_RIM] += 3 * 255
    cost[:, -_RIM:] += 3 * 255
    path = (cheapest_path(cost) + 0.5) * _STEP
    path = np.interp(np.arange(height), (np.arange(len(path)) + 0.5) * _STEP, path)
    return np.clip(0.5 + (np.arange(width) - path[:, None]) / (2 * _FEATHER), 0, 1).astype(np.float32)


def cheapest_path(cost: np.ndarray) -> np.ndarray:
    """The column in each row (H,) of the path down a cost (H, W) that moves by one column a row at most and costs least."""
    total = cost.copy()
    for y in range(1, len(cost)):
        above = np.pad(total[y - 1], 1, constant_values=np.inf)
        total[y] += np.minimum(np.minimum(above[:-2], above[1:-1]), above[2:])
    path = np.full(len(cost), total[-1].argmin())
    for y in range(len(cost) - 2, -1, -1):
        first = max(path[y + 1] - 1, 0)
        path[y] = first + total[y, first:path[y + 1] + 2].argmin()
    return path

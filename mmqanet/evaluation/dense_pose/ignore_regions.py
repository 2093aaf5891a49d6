"""Regions of an image in which nobody is annotated though people may be there; PoseTrack's annotations have some."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.structures.segmentation import decode_segmentation

COVERED_BOX, COVERED_PIXELS = 0.7, 0.9  # shares of an annotated box, and of a detection's pixels, that take it out


def read_regions(image: Mapping[str, Any]) -> np.ndarray | None:
    """The (H, W) bool union of the polygons in ``ignore_regions_x`` and ``ignore_regions_y`` of a COCO image.

    Raises:
        DataError: they are no lists of polygons.
    """
    xs, ys = image.get('ignore_regions_x') or [], image.get('ignore_regions_y') or []
    if not xs and not ys:
        return None
    try:
        polygons = [[value for point in zip(x, y, strict=True) for value in point] for x, y in zip(xs, ys, strict=True)]
        return decode_segmentation(polygons, (image['height'], image['width'])) > 0
    except (InputError, TypeError, ValueError) as error:
        raise DataError(f'image {image["id"]}: ignore_regions_x and _y are no polygons ({error})') from None


def box_is_outside(box: Sequence[float], region: np.ndarray) -> bool:
    """Whether an annotated person is evaluated: the region covers less than 0.7 of the box. Boxes of less than a pixel are
    not evaluated in an image with regions."""
    area = int(box[2]) * int(box[3])
    covered = _window(region, box).sum()
    return bool(area) and bool(covered == 0 or covered / int(box[2]) / int(box[3]) < COVERED_BOX)


def pixels_are_outside(charts: np.ndarray, box: Sequence[float], region: np.ndarray) -> bool:
    """Whether a detection is evaluated: the region covers less than 0.9 of its pixels that are on a chart. A box that
    leaves the image is always evaluated."""
    window = _window(region, box)
    if not int(box[2]) * int(box[3]):
        return False
    foreground = charts[0] > 0
    if window.shape != foreground.shape or not foreground.any():
        return True
    return bool((foreground & window).sum() / foreground.sum() < COVERED_PIXELS)


def _window(region: np.ndarray, box: Sequence[float]) -> np.ndarray:
    left, top, width, height = (int(side) for side in box)
    return region[max(top, 0):max(top + height, 0), max(left, 0):max(left + width, 0)]

"""The dense pose annotation of one person: points on the surface of the body, and masks of coarse parts.

    P points of a person.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.functional.charts import CHARTS, MIRRORED_PARTS, PARTS, UVMirror
from mmqanet.functional.rle import decode_rle

LARGEST = 2**62  # of a number in an annotation
SIDE = 256  # of the annotators' view of a box
FIELDS = ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V')


@dataclass(frozen=True)
class SurfacePoints:
    """Points of a person.

    Attributes:
        x, y (np.ndarray): (P,) float64, in the box: 0 is its left or upper side, 255 the other.
        charts (np.ndarray): (P,) int64, 1 to 24.
        u, v (np.ndarray): (P,) float64 in [0, 1].
    """

    x: np.ndarray
    y: np.ndarray
    charts: np.ndarray
    u: np.ndarray
    v: np.ndarray

    @classmethod
    def read(cls, annotation: Mapping[str, Any]) -> 'SurfacePoints':
        """The points of a COCO annotation with ``dp_x``, ``dp_y``, ``dp_I``, ``dp_U`` and ``dp_V``.

        Raises:
            DataError: a field is missing, no list of finite numbers, or out of its range; names the annotation and field.
        """
        values = {}
        where = f'annotation {annotation.get("id", "without id")}'
        for field in FIELDS:
            given = annotation.get(field)
            numbers = isinstance(given, list) and all(
                isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < LARGEST for one in given)
            if not numbers:
                raise DataError(f'{where}: {field} is no list of numbers')
            values[field] = np.array(given, dtype=np.float64)
        lengths = {field: len(value) for field, value in values.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f'{where}: the fields are of different lengths, {lengths}')
        x, y, charts, u, v = values.values()
        for field, value, low, high in (('dp_I', charts, 1, len(CHARTS) - 1), ('dp_U', u, 0, 1), ('dp_V', v, 0, 1)):
            wrong = value[(value < low) | (value > high)]
            if len(wrong):
                raise DataError(f'{where}: {field} {wrong[0]:g} lies outside [{low}, {high}]')
        if (charts != np.floor(charts)).any():
            raise DataError(f'{where}: dp_I holds a number that is not whole')
        return cls(x, y, charts.astype(np.int64), u, v)

    def __len__(self) -> int:
        return len(self.x)

    def in_image(self, box: Sequence[float]) -> np.ndarray:
        """(P, 2) float64 x, y in the image, as indices of pixels; ``box`` is x, y, w, h."""
        x, y, width, height = box
        return np.stack([self.x / 255 * width + x, self.y / 255 * height + y], axis=1)

    def mirrored(self, mirror: UVMirror) -> 'SurfacePoints':
        """The points of the person in a mirror, in the annotators' view of the mirrored box."""
        charts, u, v = mirror.points(self.charts, self.u, self.v)
        return SurfacePoints(SIDE - self.x, self.y, charts, u, v)

    def take(self, index: np.ndarray) -> 'SurfacePoints':
        """Those of an index array or mask."""
        return replace(self, **{name: getattr(self, name)[index] for name in ('x', 'y', 'charts', 'u', 'v')})


def read_part_map(annotation: Mapping[str, Any]) -> np.ndarray:
    """The ``dp_masks`` of an annotation → (256, 256) uint8, coarse part of each pixel of the annotators' view of the box.

    Where masks overlap the later part counts. An absent part has an empty list instead of a mask.

    Raises:
        DataError: it is no list of at most 14 masks of 256×256 pixels; names the annotation.
    """
    where = f'annotation {annotation.get("id", "without id")}'
    masks = annotation.get('dp_masks')
    if not isinstance(masks, list) or len(masks) >= len(PARTS):
        raise DataError(f'{where}: dp_masks is no list of at most {len(PARTS) - 1} masks')
    parts = np.zeros((SIDE, SIDE), np.uint8)
    for part, mask in enumerate(masks, 1):
        if not mask:
            continue
        try:
            inside = decode_rle(mask, image_shape=parts.shape)
        except (InputError, TypeError, ValueError, KeyError) as error:
            raise DataError(f'{where}: mask {part} of dp_masks cannot be read ({error})') from None
        parts[inside] = part
    return parts


def check_box(annotation: Mapping[str, Any], image_shape: tuple[int, int]) -> None:
    """Raise ``DataError`` if the box of an annotation is more than twice as high or wide as the image (H, W): a map of its
    size may be larger than memory."""
    if any(side > 2 * most for side, most in zip(annotation['bbox'][2:], image_shape[::-1])):
        raise DataError(f'annotation {annotation.get("id", "without id")}: bbox {annotation["bbox"]} in an image of '
                        f'{image_shape[1]}x{image_shape[0]} (width x height)')


def mirror_part_map(parts: np.ndarray) -> np.ndarray:
    """A map (h, w) of coarse parts in a mirror."""
    return MIRRORED_PARTS.astype(np.uint8)[parts[:, ::-1]]


def place_part_map(parts: np.ndarray, box: Sequence[float], image_shape: tuple[int, int]) -> np.ndarray:
    """The part map of a box in its image; what leaves the image is cut off.

    Args:
        parts: (256, 256) uint8.
        box: x, y, w, h in the image, of which the whole pixels are filled.
        image_shape: (H, W).

    Returns:
        (H, W) uint8.
    """
    placed = np.zeros(image_shape, np.uint8)
    left, top = int(box[0]), int(box[1])
    width, height = max(int(box[0] + box[2]) - left, 1), max(int(box[1] + box[3]) - top, 1)
    x0, y0 = max(left, 0), max(top, 0)
    window = placed[y0:max(top + height, 0), x0:max(left + width, 0)]
    resized = cv2.resize(parts, (width, height), interpolation=cv2.INTER_NEAREST)
    window[:] = resized[y0 - top:y0 - top + window.shape[0], x0 - left:x0 - left + window.shape[1]]
    return placed

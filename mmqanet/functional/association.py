"""How far people seen at two times lie on each other and look alike.

Letters: N, M people, C classes with background as class 0, h, w a crop of a mask.
"""
from dataclasses import dataclass, replace

import numpy as np

COLOUR_TOLERANCE = 30.0  # of 255: distance of two colours at which a part is alike by exp(-1/2)


@dataclass(frozen=True, eq=False)
class PartColours:
    """What somebody looks like: how large each part is, and its mean colour.

    Attributes:
        shares: (C,) float64, pixels of each class among the person's, that sum to 1; 0 for the background.
        colours: (C, 3) float64 in [0, 255].
    """

    shares: np.ndarray
    colours: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, label_map: np.ndarray, num_classes: int) -> 'PartColours':
        """Of a person with a label map (h, w) in a picture (h, w, 3)."""
        inside = label_map > 0
        labels, pixels = label_map[inside], image[inside]
        counts = np.bincount(labels, minlength=num_classes).astype(np.float64)
        sums = [np.bincount(labels, weights=channel, minlength=num_classes) for channel in pixels.T]
        return cls(counts / max(counts.sum(), 1), np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None])

    def likeness(self, other: 'PartColours') -> float:
        """How alike two people are in the parts that both show, in [0, 1]; 0 where they share none."""
        weights = np.minimum(self.shares, other.shares)
        distances = ((self.colours - other.colours)**2).sum(axis=1)
        alike = np.exp(-distances / (2 * COLOUR_TOLERANCE**2))
        return float((weights * alike).sum() / weights.sum()) if weights.any() else 0.0


@dataclass(frozen=True, eq=False)
class Sighting:
    """A person in an image.

    Attributes:
        box: (4,) float64, x1, y1, x2, y2 in pixels.
        mask: (h, w) bool, the person's pixels.
        corner: (2,) the (y, x) of the mask's first pixel in the image.
        look: colours of the person's parts.
    """

    box: np.ndarray
    mask: np.ndarray
    corner: np.ndarray
    look: PartColours

    @property
    def centre(self) -> np.ndarray:
        """(2,) the (x, y) of the box's centre."""
        return (self.box[:2] + self.box[2:]) / 2

    def moved(self, shift: np.ndarray) -> 'Sighting':
        """The same, (x, y) pixels further; the mask by whole pixels."""
        return replace(self, box=self.box + np.tile(shift, 2), corner=self.corner + np.rint(shift[::-1]).astype(np.int64))


def box_iou(one: np.ndarray, other: np.ndarray) -> float:
    """IoU of two boxes (4,); 0 where both are empty."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(sides.clip(0).prod())
    union = float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()) - common
    return common / union if union > 0 else 0.0


def common_window(one: np.ndarray, corner: np.ndarray, other: np.ndarray,
                  other_corner: np.ndarray) -> tuple[np.ndarray, ...]:
    """What two crops (h, w), with their corners (y, x) in an image, show of the pixels that both hold."""
    start = np.maximum(corner, other_corner)
    stop = np.minimum(corner + one.shape, other_corner + other.shape).clip(start)
    return tuple(crop[tuple(slice(*ends) for ends in zip(start - origin, stop - origin))]
                 for crop, origin in ((one, corner), (other, other_corner)))


def mask_iou(one: Sighting, other: Sighting) -> float:
    """IoU of two people's masks in the image; 0 where both are empty. A mask may reach out of the image."""
    first, second = common_window(one.mask, one.corner, other.mask, other.corner)
    common = np.count_nonzero(first & second)
    union = np.count_nonzero(one.mask) + np.count_nonzero(other.mask) - common
    return common / union if union else 0.0


def class_changes(before: np.ndarray, corner: np.ndarray, now: np.ndarray, now_corner: np.ndarray) -> tuple[int, int]:
    """How many pixels are of a person at two times, and in how many of them the class changes.

    Args:
        before, now: (h, w) uint8 crops of the person's label maps, 0 background.
        corner, now_corner: (2,) the (y, x) of each crop's first pixel in the image.

    Returns:
        tuple: changed pixels, common pixels.
    """
    first, second = common_window(before, corner, now, now_corner)
    both = (first > 0) & (second > 0)
    return int(np.count_nonzero(both & (first != second))), int(np.count_nonzero(both))


def similarities(before: list[Sighting], now: list[Sighting]) -> np.ndarray:
    """(N, M) float64 in [0, 1]: the mean of mask IoU and box IoU of every two people.

    Masks tell apart people whose boxes lie on each other. Boxes still overlap where thin or fast limbs do not.
    """
    values = np.zeros((len(before), len(now)))
    for row, one in zip(values, before):
        for column, other in enumerate(now):
            by_box = box_iou(one.box, other.box)
            if by_box > 0:
                row[column] = (by_box + mask_iou(one, other)) / 2
    return values


def likenesses(before: list[Sighting], now: list[Sighting], *, reach: float) -> np.ndarray:
    """(N, M) float64 in [0, 1]: how alike every two people look; 0 where their centres are more than ``reach`` times the
    height of the second one's box apart."""
    values = np.zeros((len(before), len(now)))
    for row, one in zip(values, before):
        for column, other in enumerate(now):
            if np.linalg.norm(one.centre - other.centre) <= reach * (other.box[3] - other.box[1]):
                row[column] = one.look.likeness(other.look)
    return values

"""Photos of other kinds out of labelled ones: without colour, dark, of few pixels, the upper half.

Each view takes an image (H, W, 3) uint8 BGR and its labels (H, W), and returns both, changed alike.
"""
from collections.abc import Callable

import cv2
import numpy as np

View = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
DARKNESS = 0.3  # of the brightness that is left
SMALL_HEIGHT = 120  # pixels


def as_it_is(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The photo itself."""
    return image, labels


def grey(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without colour."""
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2), labels


def dark(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With 30 % of the brightness."""
    return np.rint(image * DARKNESS).astype(np.uint8), labels


def small(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reduced to a height of 120 pixels, unless it has fewer."""
    height, width = labels.shape
    if height <= SMALL_HEIGHT:
        return image, labels
    size = max(1, round(width * SMALL_HEIGHT / height)), SMALL_HEIGHT
    return (cv2.resize(image, size, interpolation=cv2.INTER_AREA),
            cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT))


def upper_half(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The upper half of the picture, which cuts a standing person at the hip."""
    rows = max(1, len(labels) // 2)
    return image[:rows].copy(), labels[:rows].copy()


VIEWS: dict[str, View] = {'colour': as_it_is, 'grey': grey, 'dark': dark, 'small': small, 'upper': upper_half}

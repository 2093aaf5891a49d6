"""Colours and lines on pixels: part colours, hatched doubtful parts, borders of parts, outlines of people.

Images are (H, W, 3) uint8 BGR. Letters: H, W size of the image.
"""
from collections.abc import Sequence

import cv2
import numpy as np
from scipy import ndimage

from mmqanet.structures import LabelSet

Windows = list[tuple[int, tuple[slice, slice]]]  # ids of a map and where their pixels are
INK = (27, 24, 24)  # BGR, nearly black and nearly white
PAPER = (249, 250, 250)
IGNORED = (128, 128, 128)  # colour of labels beyond the classes, the ignore label 255 among them


def line_width(shape: Sequence[int]) -> int:
    """Width in pixels of a thin line on an image of this shape."""
    return max(1, round((shape[0] * shape[1]) ** 0.5 / 900))


def blend(image: np.ndarray, category: np.ndarray, label_set: LabelSet, alpha: float,
          doubtful: np.ndarray | None = None) -> np.ndarray:
    """Lay the part colours over an image, leaving the background as it is.

    Args:
        image: (H, W, 3) uint8 BGR.
        category: (H, W) classes; labels beyond the classes are grey.
        label_set: its colours.
        alpha: weight of the colours, 0 to 1.
        doubtful: (H, W) bool, where the colours are hatched.
    """
    result = image.copy()
    x, y, width, height = cv2.boundingRect(category.astype(np.uint8, copy=False))
    window = slice(y, y + height), slice(x, x + width)  # nobody outside it
    if not height:
        return result
    photo, labels = image[window], category[window].astype(np.uint8, copy=False)
    table = np.ascontiguousarray(label_set.colour_table(IGNORED)[:, None, ::-1])
    colours = cv2.LUT(cv2.cvtColor(labels, cv2.COLOR_GRAY2BGR), table)
    cv2.copyTo(cv2.addWeighted(photo, 1 - alpha, colours, alpha, 0), labels, result[window])
    if doubtful is not None:
        faint = cv2.addWeighted(photo, 1 - alpha / 5, colours, alpha / 5, 0)
        cv2.copyTo(faint, (doubtful[window] & _gaps(labels.shape, line_width(image.shape))).view(np.uint8), result[window])
    return result


def _gaps(shape: Sequence[int], line: int) -> np.ndarray:
    """(H, W) bool: the gaps between diagonal stripes."""
    period = 6 + 4 * line
    row = np.arange(shape[1] + period) % period >= period // 2
    stripes = np.stack([row[start:start + shape[1]] for start in range(period)])
    return stripes[np.arange(shape[0]) % period]


def track_colour(number: int) -> tuple[int, int, int]:
    """The colour (BGR) of a track: a light one of another hue than those of the numbers around it; white for 0."""
    if not number:
        return PAPER
    hue = (number * 0.61803) % 1  # by the golden ratio, which keeps neighbours apart
    blue, green, red = cv2.cvtColor(np.array([[[360 * hue, 0.75, 1.0]]], np.float32), cv2.COLOR_HSV2BGR)[0, 0]
    return round(255 * float(blue)), round(255 * float(green)), round(255 * float(red))


def outline(image: np.ndarray, category: np.ndarray, human: np.ndarray, people: Windows | None = None, *,
            tracks: np.ndarray | None = None) -> np.ndarray:
    """Thin dark borders between parts, a light line with a dark rim around each person; a new image.

    Args:
        image: (H, W, 3) uint8 BGR.
        category, human: (H, W) integer, class and person per pixel, 0 none.
        people: windows of ``human`` where they are known already.
        tracks: (N,) number of each person's track, which the line then has the colour of.
    """
    image = image.copy()
    width = line_width(category.shape)
    x, y, w, h = cv2.boundingRect(category.astype(np.uint8, copy=False))
    window = slice(y, y + h), slice(x, x + w)
    if h:
        edges = _edges(category[window]).view(np.uint8)
        if width > 1:
            cv2.dilate(edges, np.ones((width, width), np.uint8), edges)
        cv2.copyTo(cv2.convertScaleAbs(image[window], alpha=0.35), edges, image[window])
    people = windows_of(human) if people is None else people
    shapes = {person: _contours(human, person, window, width) for person, window in people}
    for person, person_window in people:
        cv2.polylines(image, shapes[person], True, INK, _rim(person_window, width), cv2.LINE_AA)
    for person, contours in shapes.items():
        colour = PAPER if tracks is None else track_colour(int(tracks[person - 1]))
        cv2.polylines(image, contours, True, colour, width + width // 2, cv2.LINE_AA)
    return image


def _rim(window: tuple[slice, slice], width: int) -> int:
    """Width of the dark rim around a person in a window: less for those who are so small that it would hide them."""
    slimness = min(side.stop - side.start for side in window)
    return max(width + 1, min(3 * width + 1, slimness // 20))


def _edges(labels: np.ndarray) -> np.ndarray:
    """(H, W) bool: labelled pixels whose right or lower neighbour has another label."""
    edges: np.ndarray = np.zeros(labels.shape, dtype=bool)
    edges[:-1] |= labels[:-1] != labels[1:]
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges &= labels > 0
    return edges


def windows_of(labels: np.ndarray) -> Windows:
    """The ids of a map (H, W), ascending, without 0, each with the smallest window that holds its pixels."""
    return [(index, window) for index, window in enumerate(ndimage.find_objects(labels), 1) if window is not None]


def _contours(human: np.ndarray, person: int, window: tuple[slice, slice], width: int) -> list[np.ndarray]:
    """A person's closed borders, (n, 1, 2) image points each; specks are left out."""
    mask = (human[window] == person).astype(np.uint8)
    offset = (window[1].start, window[0].start)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=offset)
    # Half a pixel of freedom takes the stairs out of slanting borders, and most of the points.
    return [cv2.approxPolyDP(contour, 0.6, True) for contour in contours if cv2.contourArea(contour) >= (8 * width) ** 2]

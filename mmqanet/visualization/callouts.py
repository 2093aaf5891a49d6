"""Badges on people, and names beside their parts.

    H, W size of the image, C classes, N people, K parts.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.visualization.lettering import Badge, Colour
from mmqanet.visualization.paint import INK, PAPER, Palette, Windows, line_width
from mmqanet.visualization.placing import Placer

GREY, AMBER, RUST = (120, 116, 113), (60, 190, 255), (20, 70, 200)  # BGR
LABELLED_SHARE = 0.08  # of the picture's area; with more, labels of parts hide what they are about
MAX_PARTS = 60  # that are looked at, the largest ones


@dataclass(frozen=True)
class Part:
    """A part that is large enough for a label.

    Attributes:
        index: in the ``part_*`` arrays.
        person: id in the human map.
        anchor: its innermost point (x, y). radius: of the disc around it that is part, in pixels.
    """

    index: int
    person: int
    anchor: tuple[int, int]
    radius: float


def font_sizes(shape: Sequence[int]) -> tuple[int, int]:
    """Font sizes in pixels of people's badges and of parts' labels, on an image of this shape."""
    scale = (shape[0] * shape[1]) ** 0.5
    return max(13, round(scale / 48)), max(11, round(scale / 64))


def draw_callouts(image: np.ndarray, parsing: ImageParsing, *, people: Windows, parts: Windows, palette: Palette,
                  classes: Sequence[str], quality_thr: float, title: str = '') -> None:
    """Write on an image (H, W, 3) uint8 BGR, in place; labels of small parts, and those that find no room, are left out.

    Args:
        people: windows of the people that get a badge.
        parts: windows of the parts that may get a label.
        quality_thr: lower qualities are written in a warning colour.
        title: written into the upper left corner.
    """
    tag_size, label_size = font_sizes(image.shape)
    placer = Placer(parsing.human > 0, em=1.4 * label_size)
    badges: list[tuple[Badge, np.ndarray | None]] = []
    if title:
        badge = Badge([(title, INK)], size=tag_size, fill=PAPER)
        badges.append((badge, placer.reserve((tag_size // 2, tag_size // 2), badge.size)))
    for person, window in people:
        badge = _person_badge(parsing, person, tag_size, quality_thr)
        badges.append((badge, placer.place_tag(badge.size, _head(parsing.human, person, window))))
    columns = {person: window[1] for person, window in people}
    budget = LABELLED_SHARE * image.shape[0] * image.shape[1]
    for part in _large_parts(parsing, parts, min_radius=0.45 * label_size):
        badge = _part_badge(parsing, part, label_size, quality_thr, palette, classes)
        if badge.size[0] * badge.size[1] > budget:
            continue
        sides = columns[part.person].start, columns[part.person].stop
        box, start = placer.place_label(badge.size, part.anchor, room=part.radius, sides=sides)
        if start is not None:
            _leader(image, start, part.anchor)
        if box is not None:
            badges.append((badge, box))
            budget -= badge.size[0] * badge.size[1]
    for badge, place in badges:
        if place is not None:
            badge.draw(image, place)


def _person_badge(parsing: ImageParsing, person: int, size: int, quality_thr: float) -> Badge:
    pieces: list[tuple[str, Colour]] = [(str(person), PAPER)]
    if parsing.person_scores is not None:
        quality = float(parsing.person_scores[person - 1])
        pieces.append((f'{quality:.2f}', AMBER if quality < quality_thr else (200, 200, 200)))
    return Badge(pieces, size=size, fill=INK)


def _part_badge(parsing: ImageParsing, part: Part, size: int, quality_thr: float, palette: Palette,
                classes: Sequence[str]) -> Badge:
    label = int(parsing.part_labels[part.index])
    pieces: list[tuple[str, Colour]] = [(classes[label] if label < len(classes) else str(label), INK)]
    if parsing.part_scores is not None:
        quality = float(parsing.part_scores[part.index])
        pieces.append((f'{quality:.2f}', RUST if quality < quality_thr else GREY))
    swatch = tuple(int(value) for value in palette[label][::-1]) if label < len(palette) else GREY
    return Badge(pieces, size=size, fill=PAPER, swatch=swatch)


def _head(human: np.ndarray, person: int, window: tuple[slice, slice]) -> tuple[float, float]:
    """The middle (x, y) of a person's highest pixels."""
    top = window[0].start
    columns = np.flatnonzero(human[top, window[1]] == person)
    return window[1].start + float(columns.mean()), top


def _large_parts(parsing: ImageParsing, windows: Windows, *, min_radius: float) -> list[Part]:
    """Parts that hold a disc of at least this radius, the widest first."""
    side = 2 * min_radius
    windows = [(number, (ys, xs)) for number, (ys, xs) in windows if min(ys.stop - ys.start, xs.stop - xs.start) >= side]
    windows.sort(key=lambda item: -(item[1][0].stop - item[1][0].start) * (item[1][1].stop - item[1][1].start))
    parts = []
    for number, (ys, xs) in windows[:MAX_PARTS]:
        (x, y), radius = _innermost(parsing.part[ys, xs] == number)
        if radius < min_radius:
            continue
        anchor = x + xs.start, y + ys.start
        person = int(parsing.human[anchor[1], anchor[0]])
        if person:
            parts.append(Part(number - 1, person, anchor, radius))
    return sorted(parts, key=lambda part: -part.radius)


def _innermost(mask: np.ndarray) -> tuple[tuple[int, int], float]:
    """The point (x, y) of a mask (h, w) furthest from its border, and that distance; coarse for large masks."""
    step = 1 + max(mask.shape) // 96
    coarse = cv2.copyMakeBorder(np.ascontiguousarray(mask[::step, ::step]).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distances = cv2.distanceTransform(coarse, cv2.DIST_L2, 3)
    _, peak, _, (column, row) = cv2.minMaxLoc(distances)
    return ((column - 1) * step, (row - 1) * step), peak * step


def _leader(image: np.ndarray, start: np.ndarray, end: tuple[float, float]) -> None:
    """A thin line with a dark rim from a label to a dot on its part."""
    width = line_width(image.shape)
    first, last = (tuple(int(value) for value in point) for point in (start, end))
    rim = max(2, width)
    for colour, extra in ((INK, rim), (PAPER, 0)):
        cv2.line(image, first, last, colour, width + extra, cv2.LINE_AA)
    for colour, radius in ((INK, 2 * width + rim), (PAPER, 2 * width)):
        cv2.circle(image, last, radius, colour, cv2.FILLED, cv2.LINE_AA)

"""Badges on people, and names beside their parts: next to what they name, inside the picture, never on each other, and off
the people where there is room.

Boxes are xyxy in pixels, points (x, y).
Letters: H, W size of the image, N people, K parts, S spots of a part, M candidate places of one label, P labels before it.
"""
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.structures import LabelSet
from mmqanet.visualization.lettering import Badge, Colour
from mmqanet.visualization.paint import INK, PAPER, Windows, line_width, track_colour

GREY, AMBER, RUST = (120, 116, 113), (60, 190, 255), (20, 70, 200)  # BGR
LABELLED_SHARE = 0.08  # of the picture's area; with more, labels of parts hide what they are about
MAX_PARTS = 60  # that are looked at, the largest ones
Pair = tuple[float, float]
STEPS = np.linspace(0.08, 1, 7)[:, None]  # of the points of a line that are looked at
CELL = 4  # pixels of the picture per pixel of the maps of what is covered and of detail


@dataclass(frozen=True)
class Part:
    """A part that is large enough for a label.

    Attributes:
        index: in the ``part_*`` arrays.
        person: id in the human map.
        spots: (S, 3) points of it, x and y, and the radius in pixels of the disc around each that is part; the innermost
            point first.
    """

    index: int
    person: int
    spots: np.ndarray

    @property
    def anchor(self) -> tuple[int, int]:
        """Its innermost point."""
        return int(self.spots[0, 0]), int(self.spots[0, 1])


def font_sizes(shape: Sequence[int]) -> tuple[int, int]:
    """Font sizes in pixels of people's badges and of parts' labels, on an image of this shape."""
    scale = (shape[0] * shape[1]) ** 0.5
    return max(13, round(scale / 48)), max(11, round(scale / 64))


def draw_callouts(image: np.ndarray, parsing: ImageParsing, *, people: Windows, parts: Windows, label_set: LabelSet,
                  quality_thr: float, title: str = '') -> None:
    """Write on an image (H, W, 3) uint8 BGR, in place; labels of small parts, and those that find no room, are left out.

    Args:
        people: windows of the people that get a badge.
        parts: windows of the parts that may get a label.
        label_set: names and colours of the classes.
        quality_thr: lower qualities are written in a warning colour.
        title: written into the upper left corner.
    """
    tag_size, label_size = font_sizes(image.shape)
    layout = LabelLayout(parsing.human > 0, em=1.4 * label_size, detail=_detail(image))
    badges: list[tuple[Badge, np.ndarray | None]] = []
    if title:
        badge = Badge([(title, INK)], size=tag_size, fill=PAPER)
        badges.append((badge, layout.reserve((tag_size // 2, tag_size // 2), badge.size)))
    for person, window in people:
        badge = _person_badge(parsing, person, tag_size, quality_thr)
        badges.append((badge, layout.place_tag(badge.size, _head(parsing.human, person, window))))
    columns = {person: window[1] for person, window in people}
    budget = LABELLED_SHARE * image.shape[0] * image.shape[1]
    for part in _large_parts(parsing, parts, min_radius=0.45 * label_size):
        badge = _part_badge(parsing, part, label_size, quality_thr, label_set)
        if badge.size[0] * badge.size[1] > budget:
            continue
        sides = columns[part.person].start, columns[part.person].stop
        box, start = layout.place_label(badge.size, part.spots, sides=sides)
        if start is not None:
            _leader(image, start, part.anchor)
        if box is not None:
            badges.append((badge, box))
            budget -= badge.size[0] * badge.size[1]
    for badge, place in badges:
        if place is not None:
            badge.draw(image, place)


def _person_badge(parsing: ImageParsing, person: int, size: int, quality_thr: float) -> Badge:
    track = 0 if parsing.person_tracks is None else int(parsing.person_tracks[person - 1])
    pieces: list[tuple[str, Colour]] = [(f'#{track}' if track else str(person), PAPER)]
    if parsing.person_scores is not None:
        quality = float(parsing.person_scores[person - 1])
        pieces.append((_written(quality, quality_thr), AMBER if quality < quality_thr else (200, 200, 200)))
    return Badge(pieces, size=size, fill=INK, swatch=track_colour(track) if track else None)


def _part_badge(parsing: ImageParsing, part: Part, size: int, quality_thr: float, label_set: LabelSet) -> Badge:
    label = int(parsing.part_labels[part.index])
    pieces: list[tuple[str, Colour]] = [(label_set.name(label), INK)]
    if parsing.part_scores is not None:
        quality = float(parsing.part_scores[part.index])
        pieces.append((_written(quality, quality_thr), RUST if quality < quality_thr else GREY))
    swatch = tuple(int(value) for value in label_set.palette[label][::-1]) if label < len(label_set) else GREY
    return Badge(pieces, size=size, fill=PAPER, swatch=swatch)


def _written(quality: float, threshold: float) -> str:
    """A quality with two digits, rounded so that it stays on its side of a threshold."""
    shown = round(quality, 2)
    if (shown < threshold) != (quality < threshold):
        shown = (math.floor if quality < threshold else math.ceil)(100 * quality) / 100
    return f'{shown:.2f}'


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
        spots = _spots(parsing.part[ys, xs] == number) + [xs.start, ys.start, 0]
        if spots[0, 2] < min_radius:
            continue
        part = Part(number - 1, int(parsing.human[int(spots[0, 1]), int(spots[0, 0])]), spots)
        if part.person:
            parts.append(part)
    return sorted(parts, key=lambda part: -part.spots[0, 2])


def _spots(mask: np.ndarray) -> np.ndarray:
    """The point (x, y) of a mask (h, w) furthest from its border, with that distance, and others: (S, 3); coarse for large
    masks."""
    step = 1 + max(mask.shape) // 96
    coarse = cv2.copyMakeBorder(np.ascontiguousarray(mask[::step, ::step]).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distances = cv2.distanceTransform(coarse, cv2.DIST_L2, 3)[1:-1, 1:-1]
    _, peak, _, (column, row) = cv2.minMaxLoc(distances)
    rows, columns = 3 * np.array(np.nonzero(distances[::3, ::3] >= max(0.3 * peak, 1)))
    others = np.stack([columns, rows, distances[rows, columns]], axis=1)
    return np.concatenate([[[column, row, peak]], others]) * step


def _detail(image: np.ndarray) -> np.ndarray:
    """How much there is to see at each ``CELL`` of an image (H, W, 3): steps of grey from cell to cell, (h, w) float32."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    cells = cv2.resize(grey, tuple(-(-side // CELL) for side in grey.shape[::-1]), interpolation=cv2.INTER_AREA)
    slopes = [cv2.Sobel(cells, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (0, 1)]
    return cv2.magnitude(*slopes)


def _leader(image: np.ndarray, start: np.ndarray, end: tuple[float, float]) -> None:
    """A thin line with a dark rim from a label to a dot on its part."""
    width = line_width(image.shape)
    first, last = (tuple(int(value) for value in point) for point in (start, end))
    rim = max(2, width)
    for colour, extra in ((INK, rim), (PAPER, 0)):
        cv2.line(image, first, last, colour, width + extra, cv2.LINE_AA)
    for colour, radius in ((INK, 2 * width + rim), (PAPER, 2 * width)):
        cv2.circle(image, last, radius, colour, cv2.FILLED, cv2.LINE_AA)


class LabelLayout:
    """Chooses places one label at a time and remembers them.

    Args:
        covered: (H, W) bool or uint8, where people are.
        em: height of a label in pixels, the unit of all costs: a label is moved by one em rather than at a cost of 1.
        detail: how much there is to see at each ``CELL``, of the size of ``covered`` over ``CELL``, rounded up; a label on
            its part goes where it hides little of it.
    """

    def __init__(self, covered: np.ndarray, *, em: float, detail: np.ndarray | None = None) -> None:
        self.size = covered.shape[1], covered.shape[0]
        self.em = em
        cells = np.ascontiguousarray(covered[::CELL, ::CELL]).view(np.uint8)
        self._covered = cv2.integral((cells > 0).astype(np.uint8))
        self._detail = cv2.integral(np.zeros(cells.shape, np.float32) if detail is None else detail)
        self.boxes: np.ndarray = np.zeros((0, 4))
        self._leaders: np.ndarray = np.zeros((0, 4))  # lines from a label to what it names, x1 y1 x2 y2

    def reserve(self, corner: Pair, size: Pair) -> np.ndarray:
        """The box of ``size`` (w, h) at a corner (x, y), whatever is there; later labels keep off it."""
        box = np.concatenate([corner, np.add(corner, size)]).astype(float)
        self.boxes = np.concatenate([self.boxes, box[None]])
        return box

    def place_tag(self, size: Pair, head: Pair) -> np.ndarray | None:
        """A box of ``size`` (w, h) at the head (x, y) of a person: above it, shifted or on it where need be."""
        (w, h), (x, y) = size, head
        shifts = np.array([0, -0.35, 0.35, -0.7, 0.7, -1.1, 1.1]) * w
        lifts = np.array([h * 1.25, h * 0.1, h * 2.4, -h])
        grid = np.stack(np.meshgrid(shifts, lifts), axis=-1).reshape(-1, 2)
        starts = self._inside(np.stack([x - w / 2 + grid[:, 0], y - grid[:, 1]], axis=1), size)
        moved = np.hypot(starts[:, 0] + w / 2 - x, starts[:, 1] + h - y) / self.em
        return self._choose(starts, size, moved, limit=12.0)

    def place_label(self, size: Pair, spots: np.ndarray, *, sides: Pair) -> tuple[np.ndarray | None, np.ndarray | None]:
        """A box of ``size`` (w, h) for a part.

        Args:
            spots: (S, 3) points (x, y) of the part with the radius in pixels of the disc around each that is part; a label
                that is not on the part names the first of them.
            sides: left and right edge of the person.

        Returns:
            The box, ``None`` where no place is good enough; and the point on its border where a line to the anchor
            starts, ``None`` where the label lies on its part.
        """
        extent, point = np.array(size, dtype=float), spots[0, :2].astype(float)
        wide = spots[spots[:, 2] > 0.52 * size[0], :2]  # a label there hides a small share of the part
        if len(wide):
            starts = self._inside(wide - extent / 2, size)
            moved = 0.05 * np.hypot(*(wide - point).T) / self.em
            hidden = 0.5 * self._mean(self._detail, starts, starts + extent)
            box = self._choose(starts, size, moved + hidden, limit=sys.float_info.max, on_people=0)
            if box is not None:
                return box, None
        starts = self._inside(np.concatenate([self._columns(extent, point, sides), self._rings(extent, point)]), size)
        length = np.hypot(*(np.clip(point, starts, starts + extent) - point).T) / self.em
        box = self._choose(starts, size, 0.5 * length + 8 * (length < 0.4), limit=5.5, anchor=point)
        if box is None:
            return None, None
        end = np.clip(point, box[:2], box[2:])
        self._leaders = np.concatenate([self._leaders, [[*end, *point]]])
        return box, end

    def _columns(self, size: np.ndarray, anchor: np.ndarray, sides: Pair) -> np.ndarray:
        """(M, 2) first corners in a column at each side of the person."""
        gap = 0.8 * self.em
        ys = anchor[1] - size[1] / 2 + np.arange(-4, 5) * 0.6 * size[1]
        xs = np.array([sides[0] - gap - size[0], sides[1] + gap])
        return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)

    def _rings(self, size: np.ndarray, anchor: np.ndarray) -> np.ndarray:
        """(M, 2) first corners around the anchor, at several distances."""
        angles = np.arange(16) * np.pi / 8
        around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        centres = [anchor + around * (radius * self.em + size / 2) for radius in (1.0, 2.5, 4.5)]
        return np.concatenate(centres) - size / 2

    def _inside(self, starts: np.ndarray, size: Pair) -> np.ndarray:
        """First corners (M, 2) moved so that the boxes lie in the picture."""
        return np.clip(starts, 1, np.maximum(np.asarray(self.size) - size - 1, 1)).round()

    def _choose(self, starts: np.ndarray, size: Pair, costs: np.ndarray, *, limit: float, on_people: float = 8.0,
                anchor: np.ndarray | None = None) -> np.ndarray | None:
        """The cheapest candidate that lies on no other label, kept in mind; ``None`` if that costs over ``limit``."""
        stops = starts + size
        if (stops > self.size).any():
            return None  # larger than the picture
        margin = 0.12 * self.em
        free = (starts[:, None] - margin >= self.boxes[:, 2:]) | (stops[:, None] + margin <= self.boxes[:, :2])
        clear = np.logical_or(free[..., 0], free[..., 1]).all(axis=1)
        costs = np.where(~clear, np.inf, costs + on_people * self._mean(self._covered, starts, stops))
        if anchor is not None:
            few = np.argsort(costs, kind='stable')[:12]  # the others will not win
            starts, stops, costs = starts[few], stops[few], costs[few] + self._tangle(starts[few], stops[few], anchor)
        best = int(np.argmin(costs))
        if costs[best] > limit:
            return None
        box = np.concatenate([starts[best], stops[best]])
        self.boxes = np.concatenate([self.boxes, box[None]])
        return box

    def _mean(self, sums: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """(M,) mean in each box of a map of cells with these ``sums``, as of :func:`cv2.integral`."""
        (x1, y1), (x2, y2) = (starts // CELL).astype(int).T, np.ceil(stops / CELL).astype(int).T
        x2, y2 = np.minimum(x2, sums.shape[1] - 1), np.minimum(y2, sums.shape[0] - 1)
        inside = sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]
        return inside / np.maximum((x2 - x1) * (y2 - y1), 1)

    def _tangle(self, starts: np.ndarray, stops: np.ndarray, anchor: np.ndarray) -> np.ndarray:
        """(M,) costs of the lines and labels that each box's line to its anchor would cross, and of lines it would hide."""
        ends = np.clip(anchor, starts, stops)
        lines = np.concatenate([ends, np.broadcast_to(anchor, ends.shape)], axis=1)
        a, b = lines[:, None, :2], lines[:, None, 2:]
        c, d = self._leaders[:, :2], self._leaders[:, 2:]
        crossed = (_side(a, b, c) != _side(a, b, d)) & (_side(c, d, a) != _side(c, d, b))
        hidden = _on_boxes(self._leaders, starts, stops).any(axis=0)
        return 4 * (crossed.sum(axis=1) + _on_boxes(lines, self.boxes[:, :2], self.boxes[:, 2:]).sum(axis=1)) + 1.5 * hidden


def _side(a: np.ndarray, b: np.ndarray, point: np.ndarray) -> np.ndarray:
    """On which side of the line a–b a point lies."""
    u, v = b - a, point - a
    return u[..., 0] * v[..., 1] > u[..., 1] * v[..., 0]


def _on_boxes(lines: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """(lines, boxes) bool: whether a line runs over a box, by a few of its points."""
    points = (lines[:, None, None, :2] * (1 - STEPS) + lines[:, None, None, 2:] * STEPS)
    return ((points > starts[:, None]) & (points < stops[:, None])).all(axis=3).any(axis=2)

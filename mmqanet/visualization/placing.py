"""Where labels go: next to what they name, inside the picture, never on each other, off the people where there is room.

Boxes are xyxy in pixels, points (x, y). M candidate places of one label, P labels placed before.
"""
import cv2
import numpy as np

Pair = tuple[float, float]
STEPS = np.linspace(0.08, 1, 7)[:, None]  # of the points of a line that are looked at
CELL = 4  # pixels of the picture per pixel of the map of what is covered


class Placer:
    """Chooses places one label at a time and remembers them.

    Args:
        covered: (H, W) bool or uint8, where people are.
        em: height of a label in pixels, the unit of all costs: a label is moved by one em rather than at a cost of 1.
    """

    def __init__(self, covered: np.ndarray, *, em: float):
        self.size = covered.shape[1], covered.shape[0]
        self.em = em
        cells = np.ascontiguousarray(covered[::CELL, ::CELL]).view(np.uint8)
        self._sums = cv2.integral((cells > 0).astype(np.uint8))
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

    def place_label(self, size: Pair, anchor: Pair, *, room: float,
                    sides: Pair) -> tuple[np.ndarray | None, np.ndarray | None]:
        """A box of ``size`` (w, h) for a part.

        Args:
            anchor: a point (x, y) of the part.
            room: radius in pixels of a disc around it that is part.
            sides: left and right edge of the person.

        Returns:
            The box, ``None`` where no place is good enough; and the point on its border where a line to the anchor
            starts, ``None`` where the label lies on its part.
        """
        extent, point = np.array(size, dtype=float), np.array(anchor, dtype=float)
        if room > 0.52 * size[0]:  # a label on its part hides a small share of it
            box = self._choose(self._inside((point - extent / 2)[None], size), size, np.zeros(1), limit=1.5, on_people=0)
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
        costs = np.where(~clear, np.inf, costs + on_people * self._share_of_people(starts, stops))
        if anchor is not None:
            few = np.argsort(costs, kind='stable')[:12]  # the others will not win
            starts, stops, costs = starts[few], stops[few], costs[few] + self._tangle(starts[few], stops[few], anchor)
        best = int(np.argmin(costs))
        if costs[best] > limit:
            return None
        box = np.concatenate([starts[best], stops[best]])
        self.boxes = np.concatenate([self.boxes, box[None]])
        return box

    def _share_of_people(self, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """(M,) share of each box that lies on people."""
        (x1, y1), (x2, y2) = (starts // CELL).astype(int).T, np.ceil(stops / CELL).astype(int).T
        x2, y2 = np.minimum(x2, self._sums.shape[1] - 1), np.minimum(y2, self._sums.shape[0] - 1)
        sums = self._sums[y2, x2] - self._sums[y1, x2] - self._sums[y2, x1] + self._sums[y1, x1]
        return sums / np.maximum((x2 - x1) * (y2 - y1), 1)

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

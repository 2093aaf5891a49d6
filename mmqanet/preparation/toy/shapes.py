"""Outlines: every function returns polygons as (n, 2) float arrays, or lists of them, in the units of its input."""
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import ArrayLike

_TURN = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def disc(centre: ArrayLike, rx: float, ry: float | None = None) -> np.ndarray:
    """An ellipse with half axes ``rx`` and ``ry`` (default: a circle)."""
    return np.asarray(centre) + _CIRCLE * (rx, rx if ry is None else ry)


def hull(*outlines: np.ndarray) -> np.ndarray:
    """The convex hull of some outlines together."""
    points = np.concatenate(outlines).astype(np.float32)
    return cv2.convexHull(points)[:, 0]


def smooth(points: ArrayLike, rounds: int = 2) -> np.ndarray:
    """A closed outline with its corners cut (Chaikin)."""
    points = np.asarray(points, float)
    for _ in range(rounds):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], axis=1).reshape(-1, 2)
    return points


def tube(points: ArrayLike, radii: ArrayLike) -> np.ndarray:
    """A band of varying half width ``radii`` (k,) along an open line of k ``points``, with flat ends."""
    points, radii = np.asarray(points, float), np.asarray(radii, float)[:, None]
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return np.concatenate([points + normal * radii, (points - normal * radii)[::-1]])


def limb(points: Sequence[ArrayLike], radii: ArrayLike, start: float = 0.0, stop: float | None = None) -> list[np.ndarray]:
    """Tapered round-ended pieces along a jointed line, from parameter ``start`` to ``stop``.

    Parameter i is joint i, i + 0.5 the middle of the piece after it; ``radii`` holds the half width at every joint.
    """
    stop = len(points) - 1 if stop is None else stop
    inner = [t for t in range(len(points)) if start < t < stop]
    table = np.column_stack([np.asarray(points, float), radii])
    knots = [[np.interp(t, range(len(table)), column) for column in table.T] for t in (start, *inner, stop)]
    discs = [disc((x, y), r) for x, y, r in knots]
    return [hull(a, b) for a, b in pairwise(discs)]

"""What a crowd stands in: a backdrop, and the camera that says how large a body is where its feet are.

Bodies on level ground seen by one camera share a horizon: each is cut by it at the same share of its height, the eye
level. Larger bodies therefore stand lower in the picture.

Letters: H, W height and width of the picture, H', W' of the photo behind it.
"""
from dataclasses import dataclass

import cv2
import numpy as np

from mmqanet.preparation.crowds.backdrop import reflect
from mmqanet.preparation.crowds.cutout import Cutout
from mmqanet.preparation.crowds.photos import Photo

_AFAR_ODDS = 0.2  # of far people even where the ground seems to end before them
_OTHER_GROUND = 22.0  # distance in Lab at which a row of pixels is no longer the ground beside the feet


@dataclass(frozen=True)
class Placed:
    """A person in a picture.

    cutout: at its size in the picture. x, y: its upper left pixel, which may lie outside. height: of the body in pixels:
    who is larger is nearer. shaded: whether the ground below the feet is still to be darkened.
    """

    cutout: Cutout
    x: int
    y: int
    height: float
    shaded: bool = True


@dataclass(frozen=True)
class View:
    """A backdrop and its camera.

    image: (H, W, 3) uint8 BGR, without people but ``owner``. ambient: its mean colour (3,).
    horizon: row of the camera's height. eye_level: the share of a body that lies above the horizon.
    heights: least and greatest height of a body in pixels.
    owner: the photo's own person, where left in.
    """

    image: np.ndarray
    ambient: np.ndarray
    horizon: float
    eye_level: float
    heights: tuple[float, float]
    owner: Placed | None = None


def street_view(rng: np.random.Generator, photo: Photo, empty: np.ndarray, *, width: int, height: int,
                keep_owner: bool) -> View:
    """Whole bodies, near and far, on the ground of the photo; some reach over the lower border.

    Args:
        photo: its surroundings are the backdrop, continued by mirrors where the picture is wider.
        empty: (H', W', 3) uint8, the photo without its person.
        width, height: of the picture, W and H.
        keep_owner: leave the photo's own person in.
    """
    shown = rng.uniform(0.72, 1) * photo.mask.shape[0]
    sky = photo.person.origin[1] if rng.random() < 0.9 else photo.mask.shape[0]  # heads are rarely cut off
    window = _window(rng, photo, width, height, shown, min(rng.uniform(0, sky), photo.mask.shape[0] - shown), keep_owner)
    image = _backdrop(photo, empty, window, keep_owner)
    top = (photo.person.origin[1] - window.top) * window.scale
    body = photo.person.alpha.shape[0] * window.scale
    eye_level = rng.uniform(0.28, 0.42)
    horizon = top + eye_level * body
    farthest = (ground_edge(photo) - window.top) * window.scale  # the row where the farthest feet may be
    least = np.clip((farthest - horizon) / (1 - eye_level), 0.3 * body, 0.95 * body)
    if rng.random() < _AFAR_ODDS:
        least = 0.3 * body
    most = max(min(1.25 * body, horizon / eye_level), body) if rng.random() < 0.9 else 1.3 * body
    owner = Placed(_in_window(photo, window), 0, 0, body, shaded=False) if keep_owner else None
    return View(image, _mean(image), horizon, eye_level, (least, most), owner)


def close_view(rng: np.random.Generator, photo: Photo, empty: np.ndarray, *, width: int, height: int) -> View:
    """Half bodies and portraits at eye level before a part of the photo's surroundings, out of focus more often than not."""
    shown = rng.uniform(0.4, 0.8) * photo.mask.shape[0]
    window = _window(rng, photo, width, height, shown, rng.uniform(0, 0.6) * (photo.mask.shape[0] - shown), False)
    image = _backdrop(photo, empty, window, False)
    if rng.random() < 0.65:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 5) * height / 600)
    nearest = height * np.exp(rng.uniform(np.log(0.9), np.log(3.2)))
    horizon = rng.uniform(0.16, 0.45) * height
    eye_level = min(horizon / nearest * rng.uniform(0.45, 1.05), 0.25)
    return View(image, _mean(image), horizon, eye_level, (max(0.45 * nearest, 0.4 * height), nearest))


def ground_edge(photo: Photo) -> int:
    """The row down from which a photo's surroundings look like what lies beside the person's feet: ground, most likely."""
    colours = cv2.cvtColor(photo.image, cv2.COLOR_BGR2LAB).astype(np.float32) * ~photo.mask[..., None]
    rows = colours.sum(axis=1) / np.maximum((~photo.mask).sum(axis=1), 1)[:, None]
    foot = min(photo.person.origin[1] + photo.person.alpha.shape[0], len(rows)) - 1
    beside = np.median(rows[foot - len(rows) // 20:], axis=0)
    other = np.flatnonzero(np.linalg.norm(cv2.blur(rows, (1, 9)) - beside, axis=1)[:foot] > _OTHER_GROUND)
    return int(other[-1]) + 1 if len(other) else 0


@dataclass(frozen=True)
class _Window:
    """What of a photo is shown: rows ``top`` to ``bottom``, columns ``left`` to ``right``, which may leave the photo."""

    top: int
    bottom: int
    left: int
    right: int
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels of the picture, (W, H) = ``size``, to one of the photo."""
        return self.size[1] / (self.bottom - self.top)

    def resize(self, plane: np.ndarray) -> np.ndarray:
        return cv2.resize(plane, self.size, interpolation=cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC)


def _window(rng: np.random.Generator, photo: Photo, width: int, height: int, shown: float, top: float,
            keep_owner: bool) -> _Window:
    """The window of ``shown`` rows from ``top``, wherever in the width, with the owner inside where that is kept."""
    rows = round(shown)
    first = min(round(top), photo.mask.shape[0] - rows)
    across = round(width * rows / height)
    middle = rng.uniform(0, photo.mask.shape[1])
    if keep_owner:
        x, body = photo.person.origin[0], photo.person.alpha.shape[1]
        middle = x + body / 2 + rng.uniform(-0.45, 0.45) * across
    left = round(middle - across / 2)
    return _Window(first, first + rows, left, left + across, (width, height))


def _backdrop(photo: Photo, empty: np.ndarray, window: _Window, keep_owner: bool) -> np.ndarray:
    places = np.arange(window.left, window.right)
    shown = empty[window.top:window.bottom, reflect(places, empty.shape[1])]
    if keep_owner:
        inside = (places >= 0) & (places < empty.shape[1])
        shown[:, inside] = photo.image[window.top:window.bottom, places[inside]]
    return window.resize(shown)


def _in_window(photo: Photo, window: _Window) -> Cutout:
    """The photo's own person exactly where the backdrop shows it."""
    person = photo.person
    pads, cuts = [], []
    for start, length, low, high in zip(person.origin[::-1], person.alpha.shape, (window.top, window.left),
                                        (window.bottom, window.right)):
        pads.append((max(start - low, 0), max(high - start - length, 0)))
        cuts.append(slice(max(low - start, 0), max(high - start, 0)))
    image, alpha, category = (np.pad(plane[tuple(cuts)], pads + [(0, 0)] * (plane.ndim - 2))
                              for plane in (person.image, person.alpha, person.category))
    return Cutout(window.resize(image), np.clip(window.resize(alpha), 0, 1),
                  cv2.resize(category, window.size, interpolation=cv2.INTER_NEAREST_EXACT))


def _mean(image: np.ndarray) -> np.ndarray:
    return np.array(cv2.mean(image))[:3]

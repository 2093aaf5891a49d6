"""Backdrops: fields, streets, rooms and plain clutter, strewn with things in the colours of skin and clothes."""
import cv2
import numpy as np
from numpy.typing import ArrayLike

from mmqanet.preparation.toy.texture import GARMENT_COLOURS, HAIR_COLOURS, SKIN_COLOURS, Colours, cloth, pick

_SKY = ((236, 206, 160), (244, 226, 200), (214, 190, 170), (196, 170, 208), (180, 214, 246), (150, 126, 104))
_GREEN = ((84, 156, 110), (60, 120, 76), (110, 176, 150), (96, 140, 90), (70, 92, 60))
_GROUND = ((150, 158, 166), (112, 118, 124), (168, 190, 208), (120, 150, 178), (90, 104, 120), (180, 184, 184))
_WALL = ((196, 206, 216), (170, 186, 200), (206, 200, 180), (182, 196, 176), (172, 168, 204), (150, 160, 178),
         (110, 116, 128))
_ANY = GARMENT_COLOURS + SKIN_COLOURS + HAIR_COLOURS


def draw_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A backdrop, (height, width, 3) uint8 BGR."""
    kind = rng.choice(['field', 'street', 'room', 'clutter'], p=[0.3, 0.27, 0.28, 0.15])
    image = {'field': _field, 'street': _street, 'room': _room, 'clutter': _clutter}[kind](rng, width, height)
    for _ in range(rng.integers(1, 6)):
        _distractor(rng, image)
    blur = rng.choice([0.0, 0.8, 1.5], p=[0.5, 0.3, 0.2]) * height / 240
    return cv2.GaussianBlur(image, (0, 0), blur) if blur else image


def _colour(rng: np.random.Generator, colours: Colours, spread: float = 8.0) -> tuple[int, ...]:
    return tuple(int(c) for c in pick(rng, colours, spread))


def _gradient(width: int, height: int, top: ArrayLike, bottom: ArrayLike) -> np.ndarray:
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    rows = np.asarray(top, np.float32) * (1 - share) + np.asarray(bottom, np.float32) * share
    return np.repeat(rows, width, axis=1).astype(np.uint8)


def _stage(rng: np.random.Generator, width: int, height: int, above: Colours, below: Colours) -> tuple[np.ndarray, int]:
    """A wall or sky on a floor, and the row where they meet."""
    horizon = int(height * rng.uniform(0.5, 0.8))
    upper = _gradient(width, horizon, pick(rng, above, 8), pick(rng, above, 8))
    lower = _gradient(width, height - horizon, pick(rng, below, 8), pick(rng, below, 8))
    return np.concatenate([upper, lower]), horizon


def _field(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    image, horizon = _stage(rng, width, height, _SKY, _GREEN)
    if rng.random() < 0.5:
        centre = int(rng.uniform(0.1, 0.9) * width), int(rng.uniform(0.1, 0.5) * horizon)
        cv2.circle(image, centre, int(height * rng.uniform(0.04, 0.08)), (170, 226, 250), -1, cv2.LINE_AA)
    for _ in range(rng.integers(1, 4)):
        centre = int(rng.uniform(0, width)), horizon + int(height * 0.1)
        axes = int(width * rng.uniform(0.25, 0.5)), int(height * rng.uniform(0.15, 0.35))
        cv2.ellipse(image, centre, axes, 0, 180, 360, _colour(rng, _GREEN), -1, cv2.LINE_AA)
    image[horizon:] = _gradient(width, height - horizon, pick(rng, _GREEN, 8), pick(rng, _GREEN, 8))
    for _ in range(rng.integers(0, 5)):
        _tree(rng, image, horizon)
    return image


def _tree(rng: np.random.Generator, image: np.ndarray, horizon: int) -> None:
    height, width = image.shape[:2]
    x, foot = int(rng.uniform(0, width)), horizon + int(height * rng.uniform(0, 0.12))
    tall, thick = int(height * rng.uniform(0.2, 0.5)), max(int(width * rng.uniform(0.008, 0.02)), 2)
    cv2.rectangle(image, (x - thick, foot - tall), (x + thick, foot), _colour(rng, HAIR_COLOURS[2:5]), -1)
    leaves = _colour(rng, _GREEN)
    for _ in range(4):
        centre = x + int(rng.normal(0, 0.035) * width), foot - tall + int(rng.normal(0, 0.04) * height)
        cv2.circle(image, centre, int(height * rng.uniform(0.05, 0.1)), leaves, -1, cv2.LINE_AA)


def _street(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    image, horizon = _stage(rng, width, height, _SKY, _GROUND)
    x = -int(rng.uniform(0, 0.1) * width)
    while x < width:
        wide, top = int(width * rng.uniform(0.12, 0.3)), int(horizon * rng.uniform(0.05, 0.7))
        cv2.rectangle(image, (x, top), (x + wide, horizon), _colour(rng, _WALL + GARMENT_COLOURS[6:9], 12), -1)
        step, pane = max(int(width * rng.uniform(0.04, 0.07)), 5), _colour(rng, _SKY + HAIR_COLOURS[:2])
        for wx in range(x + step // 3, x + wide - step // 2, step):
            for wy in range(top + step // 2, horizon - step, int(step * 1.4)):
                cv2.rectangle(image, (wx, wy), (wx + step // 2, wy + int(step * 0.8)), pane, -1)
        x += wide + int(rng.uniform(-0.01, 0.04) * width)
    kerb = horizon + int((height - horizon) * rng.uniform(0.1, 0.4))
    cv2.line(image, (0, kerb), (width, kerb), _colour(rng, _GROUND), max(height // 90, 1))
    return image


def _room(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    image, horizon = _stage(rng, width, height, _WALL, _GROUND + HAIR_COLOURS[3:5])
    if rng.random() < 0.5:  # wallpaper, faint enough to stay a wall
        paper = cloth(rng, height * 1.5).patch(0, 0, width, horizon)
        image[:horizon] = (image[:horizon] * np.float32(0.7) + paper * np.float32(0.3)).astype(np.uint8)
    if rng.random() < 0.5:
        step = max(int(width * rng.uniform(0.06, 0.16)), 4)
        for x in range(-width, 2 * width, step):
            far = width // 2 + (x - width // 2) // 2, horizon
            cv2.line(image, far, (x, height), _colour(rng, _GROUND, 3), 1, cv2.LINE_AA)
    for _ in range(rng.integers(0, 4)):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, 0.6) * horizon)
        w, h = int(width * rng.uniform(0.08, 0.22)), int(height * rng.uniform(0.1, 0.25))
        cv2.rectangle(image, (x, y), (x + w, y + h), _colour(rng, _ANY), -1)
        cv2.rectangle(image, (x, y), (x + w, y + h), _colour(rng, HAIR_COLOURS), max(height // 80, 1), cv2.LINE_AA)
    skirting = max(height // 60, 1)
    image[horizon - skirting:horizon] = pick(rng, _WALL, 8)
    return image


def _clutter(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    image = _gradient(width, height, pick(rng, _ANY, 20), pick(rng, _ANY, 20))
    for _ in range(rng.integers(6, 16)):
        centre = rng.uniform(0, 1, 2) * (width, height)
        points = centre + rng.normal(0, 0.12, (rng.integers(3, 6), 2)) * (width, height)
        cv2.fillConvexPoly(image, cv2.convexHull(points.astype(np.int32)), _colour(rng, _ANY, 15), cv2.LINE_AA)
    return image


def _distractor(rng: np.random.Generator, image: np.ndarray) -> None:
    """A pole, a ball or a box that a colour alone could take for a limb, a head or a garment."""
    height, width = image.shape[:2]
    x, y = int(rng.uniform(0, width)), int(rng.uniform(0.2, 1) * height)
    tall, wide = int(height * rng.uniform(0.15, 0.6)), max(int(height * rng.uniform(0.015, 0.05)), 2)
    kind = rng.choice(['pole', 'ball', 'box', 'limb'])
    if kind == 'pole':
        cv2.rectangle(image, (x, y - tall), (x + wide // 2, y), _colour(rng, _ANY), -1)
    elif kind == 'ball':
        cv2.circle(image, (x, y), wide * 2, _colour(rng, _ANY), -1, cv2.LINE_AA)
        cv2.circle(image, (x, y), wide * 2, _colour(rng, HAIR_COLOURS), 1, cv2.LINE_AA)
    elif kind == 'limb':
        end = x + int(rng.normal(0, 0.12) * width), y - tall // 2
        cv2.line(image, (x, y), end, _colour(rng, SKIN_COLOURS), wide, cv2.LINE_AA)
    else:
        x1, y1 = min(x + tall // 2 + 4, width), min(y + tall // 3 + 4, height)
        image[y:y1, x:x1] = cloth(rng, height).patch(x, y, max(x1 - x, 0), max(y1 - y, 0)).astype(np.uint8)

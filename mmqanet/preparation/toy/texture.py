"""Colours and woven patterns. All garments draw from one palette, so that colour alone does not give a class away."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TILE = 128  # pixels; pattern periods divide it, so that a tile repeats without a seam
_GRID = np.mgrid[:TILE, :TILE].astype(np.int32)

# BGR
Colours = Sequence[Sequence[int]]  # BGR

GARMENT_COLOURS = (
    (40, 40, 46), (88, 86, 84), (150, 150, 148), (236, 238, 240), (205, 222, 232), (58, 48, 176), (84, 92, 214),
    (40, 110, 226), (46, 176, 232), (92, 200, 214), (66, 138, 74), (50, 92, 62), (128, 158, 52), (170, 168, 80),
    (196, 128, 52), (146, 84, 40), (96, 52, 34), (150, 66, 104), (176, 120, 170), (170, 150, 226), (112, 132, 164),
    (150, 186, 214), (60, 82, 122), (214, 196, 150),
)
SKIN_COLOURS = (
    (184, 206, 236), (170, 198, 232), (150, 184, 226), (128, 166, 212), (104, 142, 192), (80, 112, 164), (58, 84, 128),
    (44, 62, 96),
)
HAIR_COLOURS = (
    (26, 24, 26), (30, 36, 48), (32, 48, 74), (44, 72, 112), (66, 112, 164), (112, 176, 220), (46, 78, 160),
    (150, 150, 152), (206, 208, 210),
)


@dataclass(frozen=True)
class Material:
    """What a surface looks like.

    colour: (3,) float, BGR in [0, 255].
    tile: (TILE, TILE, 3) float32 or None for a plain surface.
    """

    colour: np.ndarray
    tile: np.ndarray | None = None

    def patch(self, x0: int, y0: int, width: int, height: int) -> np.ndarray:
        """The surface in a window of the picture: (height, width, 3) float32."""
        if self.tile is None:
            return np.broadcast_to(self.colour.astype(np.float32), (height, width, 3))
        rows, columns = np.arange(y0, y0 + height) % TILE, np.arange(x0, x0 + width) % TILE
        return self.tile[rows[:, None], columns]

    def toned(self, factor: float) -> 'Material':
        """The plain material of this colour, darker (factor < 1) or brighter (> 1)."""
        return Material(np.clip(self.colour * factor, 0, 255))


def pick(rng: np.random.Generator, colours: Colours, spread: float = 10.0) -> np.ndarray:
    """One of ``colours`` with some variation: (3,) float BGR."""
    return np.clip(np.array(colours[int(rng.integers(len(colours)))]) + rng.normal(0, spread, 3), 8, 250)


def plain(rng: np.random.Generator, colours: Colours, spread: float = 10.0) -> Material:
    """A material of one colour, drawn from ``colours`` with a random deviation."""
    return Material(pick(rng, colours, spread))


def cloth(rng: np.random.Generator, scale: float) -> Material:
    """A garment's material; ``scale`` is the person's height in pixels of the canvas, which sets the pattern's size."""
    first, second = pick(rng, GARMENT_COLOURS), pick(rng, GARMENT_COLOURS)
    kind = rng.choice(list(_PATTERNS), p=[0.36, 0.16, 0.11, 0.1, 0.1, 0.08, 0.09])
    draw = _PATTERNS[kind]
    if draw is None:
        return Material(first)
    period = int(np.clip(2 ** np.round(np.log2(scale * rng.uniform(0.03, 0.085))), 4, TILE // 2))
    weight = draw(rng, period).astype(np.float32)[..., None]
    tile = np.float32(first) + np.float32(second - first) * weight
    return Material(first + (second - first) * float(weight.mean()), tile)


def _stripes(rng: np.random.Generator, period: int) -> np.ndarray:
    y, x = _GRID
    across = (y, x, x + y, x - y)[rng.choice(4, p=[0.45, 0.3, 0.15, 0.1])]
    return across % period < period * rng.uniform(0.3, 0.6)


def _checks(rng: np.random.Generator, period: int) -> np.ndarray:
    y, x = _GRID
    return (y // (period // 2) + x // (period // 2)) % 2


def _plaid(rng: np.random.Generator, period: int) -> np.ndarray:
    y, x = _GRID
    return 0.5 * (y % period < period * 0.4) + 0.5 * (x % period < period * 0.4)


def _dots(rng: np.random.Generator, period: int) -> np.ndarray:
    y, x = _GRID
    x = x + period // 2 * (y // period % 2)
    away = np.hypot(y % period - period / 2, x % period - period / 2)
    return away < period * rng.uniform(0.22, 0.34)


def _mottle(rng: np.random.Generator, period: int) -> np.ndarray:
    cells = TILE // max(period // 4, 1)
    coarse = rng.random((cells, cells))
    return np.kron(coarse, np.ones((TILE // cells, TILE // cells))) * rng.uniform(0.35, 0.8)


def _fade(rng: np.random.Generator, period: int) -> np.ndarray:
    y, _ = _GRID
    return np.abs(y * 2 / TILE - 1)


_PATTERNS = {'plain': None, 'stripes': _stripes, 'checks': _checks, 'plaid': _plaid, 'dots': _dots, 'mottle': _mottle,
             'fade': _fade}

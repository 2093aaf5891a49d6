"""Pictures of dense pose: lines of equal U and V, the IUV picture of programs, and textures painted onto people.

Images are (H, W, 3) uint8 BGR. A surface is (2, H, W) float32, U and V in [0, 1] at every pixel of somebody.
"""
import cv2
import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.chart_pasting import quantise_surface
from mmqanet.functional.charts import CHARTS
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.visualization.paint import INK, PAPER, line_width

STEP = 0.2  # of U or V from a line to the next
ROWS, COLUMNS = 6, 4  # of charts in an atlas


def draw_iso_lines(image: np.ndarray, parsing: ImageParsing) -> np.ndarray:
    """Lines of equal U, light, and of equal V, dark, at every fifth of a chart; a new image.

    Args:
        image: of the size of the parsing.
        parsing: with a ``surface``.
    """
    assert parsing.surface is not None
    image, width = image.copy(), line_width(image.shape)
    for values, colour in zip(parsing.surface, (PAPER, INK)):
        steps = np.floor(values / STEP).astype(np.int8)
        lines = np.zeros(steps.shape, dtype=bool)
        for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
            lines[here] |= (steps[here] != steps[there]) & (parsing.part[here] == parsing.part[there])
        marks = cv2.dilate((lines & (parsing.part > 0)).view(np.uint8), np.ones((width, width), np.uint8)) > 0
        image[marks] = (0.35 * image[marks] + 0.65 * np.array(colour)).round()
    return image


def iuv_picture(parsing: ImageParsing) -> np.ndarray:
    """The usual picture of dense pose for programs: (H, W, 3) uint8 with chart, 255 · U and 255 · V, 0 where nobody is.

    ``cv2.imread`` gives the channels of the written file in this order; libraries that read RGB give V first.

    Raises:
        InputError: the parsing has no surface.
    """
    if parsing.surface is None:
        raise InputError('the parsing has no surface: its parser predicts no dense pose')
    shown = parsing.human > 0
    charts = np.where(shown, parsing.category, 0)
    return np.ascontiguousarray((quantise_surface(charts, parsing.surface) * shown).transpose(1, 2, 0))


def paint_texture(image: np.ndarray, parsing: ImageParsing, atlas: np.ndarray) -> np.ndarray:
    """People with a texture in place of their looks; a new image.

    Args:
        image: of the size of the parsing.
        parsing: with a ``surface``.
        atlas: (6 · s, 4 · s, 3) uint8 BGR, s pixels a side of a chart: charts 1 to 6 in the first column from the top, 7 to
            12 in the second, and so on. In a chart U grows to the right and V upwards. This is the layout of the texture
            atlases that are around for DensePose.

    Raises:
        InputError: the parsing has no surface, or the atlas has another shape.
    """
    if parsing.surface is None:
        raise InputError('the parsing has no surface: its parser predicts no dense pose')
    side = side_of(atlas)
    image = image.copy()
    for chart in range(1, len(CHARTS)):
        pixels = (parsing.category == chart) & (parsing.human > 0)
        if pixels.any():
            column, row = divmod(chart - 1, ROWS)
            tile = np.ascontiguousarray(atlas[row * side:(row + 1) * side, column * side:(column + 1) * side])
            u, v = parsing.surface[:, pixels].astype(np.float32).clip(0, 1)
            found = _sample(tile, u * (side - 1), (1 - v) * (side - 1))
            image[pixels] = found
    return image


def side_of(atlas: np.ndarray) -> int:
    """The side of a chart in an atlas, in pixels; raises ``InputError`` for an array that is no atlas."""
    side = atlas.shape[0] // ROWS if atlas.ndim == 3 else 0
    if atlas.dtype != np.uint8 or side < 2 or atlas.shape != (ROWS * side, COLUMNS * side, 3):
        raise InputError(f'an atlas is (6 s, 4 s, 3) uint8 with charts of s x s pixels, not {atlas.shape} {atlas.dtype}')
    return side


def _sample(tile: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear samples (n, 3) of (s, s, 3) at n indices of pixel centres."""
    left, top = (np.minimum(np.floor(place).astype(int), len(tile) - 2) for place in (x, y))
    right, down = (x - left)[:, None], (y - top)[:, None]
    upper = tile[top, left] * (1 - right) + tile[top, left + 1] * right
    lower = tile[top + 1, left] * (1 - right) + tile[top + 1, left + 1] * right
    return (upper * (1 - down) + lower * down).round().astype(np.uint8)


def checkered_atlas(side: int = 200, *, squares: int = 5) -> np.ndarray:
    """An atlas (6 · side, 4 · side, 3) uint8 BGR to begin with: a colour a chart, checkers, lighter as V grows."""
    atlas = np.empty((ROWS * side, COLUMNS * side, 3), dtype=np.uint8)
    along = np.arange(side) * squares // side
    checkers = (along[:, None] + along) % 2
    for chart in range(1, len(CHARTS)):
        column, row = divmod(chart - 1, ROWS)
        hue = np.full((side, side), 360 * (chart * 0.61803 % 1), np.float32)
        saturation = np.where(checkers, 0.75, 0.35).astype(np.float32)
        value = np.repeat(np.linspace(1, 0.65, side, dtype=np.float32)[:, None], side, axis=1)
        tile = cv2.cvtColor(np.dstack([hue, saturation, value]), cv2.COLOR_HSV2BGR)
        atlas[row * side:(row + 1) * side, column * side:(column + 1) * side] = (255 * tile).round()
    return atlas

"""Text on pictures: fonts, badges, the legend. Images are (H, W, 3) uint8 BGR, drawn on in place; colours BGR."""
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmqanet.structures import LabelSet
from mmqanet.visualization.paint import INK, PAPER

Colour = tuple[int, ...]
# A unit circle in 24 points, and whether each belongs to the right and to the lower corners of a box.
ARCS = np.stack([f((np.arange(24) + 0.5) * np.pi / 12) for f in (np.cos, np.sin)], axis=1)
RIGHT_OR_LOW = ARCS > 0


@lru_cache(maxsize=64)
def font_of(size: int, *, ascii_only: bool = True) -> ImageFont.FreeTypeFont:
    """A font by its size in pixels: Pillow's own, which looks best; for other letters the one matplotlib carries."""
    if ascii_only:
        return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size=size))  # a bitmap font only for size=None
    from matplotlib import get_data_path  # slow to import, seldom needed

    return ImageFont.truetype(str(Path(get_data_path(), 'fonts/ttf/DejaVuSans.ttf')), round(0.92 * size))


@lru_cache(maxsize=2048)
def text_mask(text: str, size: int) -> np.ndarray:
    """(h, w) uint8 coverage of one line of text at a font size in pixels; h depends on size and font alone."""
    font = font_of(size, ascii_only=text.isascii())
    ascent, descent = font.getmetrics()
    mask = Image.new('L', (max(1, round(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(mask).text((0, 0), text, font=font, fill=255)
    return np.asarray(mask)


def write(image: np.ndarray, text: str, *, at: tuple[int, int], size: int, colour: Colour) -> None:
    """Write a line whose box starts at (x, y); what leaves the picture is cut off."""
    x, y = max(at[0], 0), max(at[1], 0)
    mask = text_mask(text, size)
    target = image[y:y + mask.shape[0], x:x + mask.shape[1]]
    weight = mask[:target.shape[0], :target.shape[1], None].astype(np.float32) / 255
    target[:] = (target + (np.asarray(colour, dtype=np.float32) - target) * weight).round()


def rounded(image: np.ndarray, box: Iterable[float], colour: Colour, *, radius: float) -> None:
    """Fill a box xyxy with rounded, smooth corners."""
    x1, y1, x2, y2 = box
    span = np.array([x2 - x1 - 2 * radius, y2 - y1 - 2 * radius])
    points = np.array([x1 + radius, y1 + radius]) + radius * ARCS + span * RIGHT_OR_LOW
    cv2.fillConvexPoly(image, (points * 16).round().astype(np.int32), colour, cv2.LINE_AA, shift=4)


class Badge:
    """A small plate with a swatch of colour and pieces of text side by side.

    Args:
        pieces: (text, colour) from left to right.
        size: of the font, in pixels.
        fill: colour of the plate.
        swatch: colour of the square at its left, ``None`` for none.
    """

    def __init__(self, pieces: Sequence[tuple[str, Colour]], *, size: int, fill: Colour,
                 swatch: Colour | None = None) -> None:
        self.pieces, self.font_size, self.fill, self.swatch = pieces, size, fill, swatch
        masks = [text_mask(text, size) for text, _ in pieces]
        self.pad, self.gap = max(2, round(0.35 * size)), max(2, round(0.4 * size))
        self.text_height = max(mask.shape[0] for mask in masks)
        width = sum(mask.shape[1] for mask in masks) + self.gap * (len(masks) - 1) + 2 * self.pad
        if swatch is not None:
            width += self._swatch_side() + self.gap
        self.size = width, self.text_height + 2 * max(1, round(0.08 * size))

    def _swatch_side(self) -> int:
        return round(0.72 * self.font_size)

    def draw(self, image: np.ndarray, box: Iterable[float]) -> None:
        """Draw it into its box xyxy, of its own ``size``."""
        x1, y1, x2, y2 = (int(value) for value in box)
        rounded(image, (x1 + 1, y1 + 1, x2 - 2, y2 - 2), self.fill, radius=0.28 * (y2 - y1))  # its rim is a pixel wide
        x = x1 + self.pad
        if self.swatch is not None:
            side = self._swatch_side()
            top = (y1 + y2 - side) / 2
            rounded(image, (x, top, x + side, top + side), self.swatch, radius=0.25 * side)
            x += side + self.gap
        for text, colour in self.pieces:
            height, width = text_mask(text, self.font_size).shape
            write(image, text, at=(x, y1 + (y2 - y1 - height) // 2), size=self.font_size, colour=colour)
            x += width + self.gap


def with_legend(picture: Image.Image, category: np.ndarray, label_set: LabelSet) -> Image.Image:
    """The picture (RGB) with a column at its right that names the classes in it; see :func:`add_legend`."""
    image = add_legend(np.asarray(picture)[..., ::-1], category, label_set)
    return Image.fromarray(np.ascontiguousarray(image[..., ::-1]))


def add_legend(image: np.ndarray, category: np.ndarray, label_set: LabelSet, *, note: str = '') -> np.ndarray:
    """The image (H, W, 3) with columns at its right that name the classes of ``category`` in it.

    Args:
        category: (H, W) labels; 0 and those without a name are left out.
        label_set: names and colours of the classes.
        note: a last entry, with a hatched swatch.
    """
    height = image.shape[0]
    counts = cv2.calcHist([category.astype(np.uint8, copy=False)], [0], None, [256], [0, 256])
    present = [label for label in np.flatnonzero(counts) if 0 < label < len(label_set)]
    entries: list[tuple[str, Colour | None]] = [
        (label_set.name(label), tuple(int(value) for value in label_set.palette[label][::-1])) for label in present]
    entries += [(note, None)] if note else []
    if not entries:
        return image
    row = int(np.clip(height / (len(entries) + 1), max(15, height / 48), max(18, height / 26)))
    per_column = max(1, (height - row // 2) // row)
    columns = [entries[start:start + per_column] for start in range(0, len(entries), per_column)]
    return np.concatenate([image, *(_legend_column(column, row, height) for column in columns)], axis=1)


def _legend_column(entries: Sequence[tuple[str, Colour | None]], row: int, height: int) -> np.ndarray:
    size, side, margin = round(0.62 * row), round(0.66 * row), max(4, round(0.5 * row))
    masks = [text_mask(text, size) for text, _ in entries]
    column = np.full((height, margin + side + margin + max(mask.shape[1] for mask in masks) + margin, 3), PAPER, np.uint8)
    for index, (text, colour) in enumerate(entries):
        top = row // 2 + index * row
        box = margin, top, margin + side, top + side
        rounded(column, box, INK, radius=0.25 * side)
        inner = box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1
        rounded(column, inner, PAPER if colour is None else colour, radius=0.2 * side)
        if colour is None:
            for shift in (0.35, 0.8):
                start = (round(box[0] + shift * side), box[1] + 2)
                cv2.line(column, start, (round(start[0] - 0.3 * side), box[3] - 2), INK, max(1, side // 8), cv2.LINE_AA)
        write(column, text, at=(2 * margin + side, top + (side - masks[index].shape[0]) // 2), size=size, colour=INK)
    return column

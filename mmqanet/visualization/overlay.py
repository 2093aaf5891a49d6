"""Pictures of a parsing: the overlay that people look at and the palette PNG that programs read.

    H, W size of the image, C classes.
"""
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmqanet.structures import ParsingDataSample

INK = (24, 24, 27)
PAPER = (250, 250, 249)


def palette_image(label_map: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> Image.Image:
    """A PNG-ready picture whose pixels are the labels and whose colours are the palette's.

    Args:
        label_map: (H, W) uint8 classes.
        palette: C RGB triples; labels beyond it are white.
    """
    colours = np.full((256, 3), 255, dtype=np.uint8)
    colours[:len(palette)] = palette
    picture = Image.fromarray(label_map)
    picture.putpalette(colours.tobytes())
    return picture


def jpeg(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 BGR → the bytes of a JPEG file."""
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def draw_parsing(
    image: np.ndarray,
    sample: ParsingDataSample,
    *,
    palette: Sequence[tuple[int, int, int]],
    classes: Sequence[str],
    alpha: float = 0.6,
    legend: bool = True,
) -> np.ndarray:
    """Draw the people of a sample over their image: part colours, outlines, person qualities, a legend.

    Args:
        image: (H, W, 3) uint8 BGR.
        sample: with ``pred_maps`` and ``pred_instances``.
        palette, classes: of the data set, C of each.
        alpha: weight of the part colours, 0 to 1.
        legend: add a column at the right that names the classes in the picture.

    Returns:
        (H', W', 3) uint8 BGR; larger than the image by the legend, and enlarged first where it is tiny.
    """
    category = sample.pred_maps.category[0].cpu().numpy()
    human = sample.pred_maps.human[0].cpu().numpy()
    zoom = max(1, round(480 / max(image.shape[:2])))
    if zoom > 1:
        image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        category, human = (m.repeat(zoom, 0).repeat(zoom, 1) for m in (category, human))
    canvas = blend(image, category, palette, alpha)
    canvas = outline(canvas, category, human)
    picture = Image.fromarray(np.ascontiguousarray(canvas[..., ::-1]))
    label_people(picture, sample, human)
    if legend:
        picture = with_legend(picture, category, palette, classes)
    return np.asarray(picture)[..., ::-1].copy()


def blend(image: np.ndarray, category: np.ndarray, palette, alpha: float) -> np.ndarray:
    """Lay the part colours over (H, W, 3) BGR, leaving the background as it is."""
    colours = np.asarray(palette, dtype=np.float32)[:, ::-1][category]
    weight = alpha * (category > 0)[..., None]
    return (image * (1 - weight) + colours * weight).round().astype(np.uint8)


def outline(image: np.ndarray, category: np.ndarray, human: np.ndarray) -> np.ndarray:
    """Thin dark lines between parts, thicker light ones around people."""
    image = image.copy()
    image[_edges(category) & (category > 0)] = INK
    width = max(1, round(max(category.shape) / 500))
    people = cv2.dilate(_edges(human).astype(np.uint8), np.ones((width + 1, width + 1), np.uint8))
    image[people > 0] = PAPER
    return image


def _edges(labels: np.ndarray) -> np.ndarray:
    edges = np.zeros(labels.shape, dtype=bool)
    edges[:-1] |= labels[:-1] != labels[1:]
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return edges


def label_people(picture: Image.Image, sample: ParsingDataSample, human: np.ndarray) -> None:
    """Write each visible person's number and quality at the top of its pixels, in place."""
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(11, round(max(human.shape) / 45)))
    qualities = sample.pred_instances.qualities.tolist()
    for person in np.unique(human)[1:]:
        rows, columns = np.nonzero(human == person)
        text = f'{person}: {qualities[person - 1]:.2f}'
        _, _, right, bottom = draw.textbbox((0, 0), text, font=font)
        width, height = right + 6, bottom + 4
        x = int(np.clip(columns[rows == rows.min()].mean() - width / 2, 0, max(picture.width - width, 0)))
        y = int(np.clip(rows.min() - height - 2, 0, max(picture.height - height, 0)))
        draw.rounded_rectangle((x, y, x + width, y + height), radius=3, fill=INK)
        draw.text((x + 3, y + 1), text, font=font, fill=PAPER)


def with_legend(picture: Image.Image, category: np.ndarray, palette, classes) -> Image.Image:
    """The picture with a column at its right that names the classes in it, largest font that fits."""
    present = [label for label in np.unique(category) if label > 0]
    row = int(np.clip(picture.height / max(len(present) + 1, 1), 12, 26))
    font = ImageFont.load_default(size=max(round(row * 0.6), 9))
    width = row + 14 + int(max((font.getlength(classes[label]) for label in present), default=40))
    height = max(picture.height, row * (len(present) + 1))
    sheet = Image.new('RGB', (picture.width + width, height), PAPER)
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for index, label in enumerate(present):
        x, y = picture.width + 8, row // 2 + index * row
        draw.rounded_rectangle((x, y + 2, x + row - 6, y + row - 4), radius=3, fill=tuple(palette[label]), outline=INK)
        draw.text((x + row, y + row / 2 - 1), classes[label], font=font, fill=INK, anchor='lm')
    return sheet

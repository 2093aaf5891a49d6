"""Pictures of a parsing: the overlay that people look at and the palette PNG that programs read.

    H, W size of the image.
"""
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from PIL import Image

from mmqanet.errors import InputError
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.structures import LabelSet, ParsingDataSample
from mmqanet.visualization.arrays import enlarged, predicted
from mmqanet.visualization.callouts import draw_callouts
from mmqanet.visualization.lettering import add_legend, with_legend
from mmqanet.visualization.paint import PAPER, Windows, blend, outline, windows_of
from mmqanet.visualization.surface import draw_iso_lines

__all__ = ['add_legend', 'blend', 'draw_panels', 'draw_parsing', 'outline', 'palette_image', 'with_legend']

BEYOND = (255, 255, 255)  # colour in palettes of labels beyond the classes


def palette_image(label_map: np.ndarray, label_set: LabelSet) -> Image.Image:
    """A PNG-ready picture whose pixels are the labels and whose colours are the palette's.

    Args:
        label_map: (H, W) uint8 classes.
        label_set: its colours; labels beyond its classes are white.
    """
    picture = Image.fromarray(label_map)
    picture.putpalette(label_set.colour_table(BEYOND).tobytes())
    return picture


def draw_parsing(
    image: np.ndarray,
    sample: ParsingDataSample,
    *,
    label_set: LabelSet,
    alpha: float = 0.6,
    legend: bool = True,
    part_labels: bool = True,
    quality_thr: float = 0.0,
) -> np.ndarray:
    """Draw the predicted people of a sample over their image.

    Part colours, outlines, a badge with number and quality on each person, name and quality beside each part that is
    large enough, a legend; of dense pose lines of equal U and V in place of the names. The numbers are those of
    ``pred_maps.human``, or those of the people's tracks, which also colour badges and outlines.

    Args:
        image: (H, W, 3) uint8 BGR.
        sample: with ``pred_maps``, ``pred_instances`` and, for the qualities of parts, ``pred_parts``.
        label_set: names and colours of the classes, e.g. ``LabelSet.of(model.dataset_meta)``.
        alpha: weight of the part colours, 0 to 1.
        legend: add a column at the right that names the classes in the picture.
        part_labels: write names and qualities beside the parts; the small ones are left to the legend.
        quality_thr: parts of a lower quality, in [0, 1], are hatched; 0 hatches none.

    Returns:
        (H', W', 3) uint8 BGR; larger than the image by the legend, and enlarged first where it is tiny.
    """
    return draw_panels(image, {'': predicted(sample)}, label_set=label_set, alpha=alpha, legend=legend,
                       part_labels=part_labels, quality_thr=quality_thr)


def draw_panels(
    image: np.ndarray,
    panels: Mapping[str, ImageParsing],
    *,
    label_set: LabelSet,
    alpha: float = 0.6,
    legend: bool = True,
    part_labels: bool = True,
    quality_thr: float = 0.0,
) -> np.ndarray:
    """Draw one image as often as there are parsings of it: an annotation next to a prediction, or two models.

    Args:
        image: (H, W, 3) uint8 BGR.
        panels: what to draw, by the title in the upper left corner; the empty title is not written. Portraits stand side
            by side, wide images one below the other.
        others: as in :func:`draw_parsing`; the legend serves all panels.

    Raises:
        InputError: names the argument that is out of range, of another type or size, or at odds with another.
    """
    check_options(alpha=alpha, quality_thr=quality_thr)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise InputError(f'the image must be (H, W, 3) uint8, not {image.shape} {image.dtype}')
    if not panels:
        raise InputError('panels is empty: there is nothing to draw')
    for parsing in panels.values():
        _check_fit(image, parsing)
    zoom = max(1, round(480 / max(image.shape[:2])))
    if zoom > 1:
        image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    drawn = [
        _draw_panel(image, enlarged(parsing, zoom) if zoom > 1 else parsing, title=title, label_set=label_set,
                    alpha=alpha, part_labels=part_labels, quality_thr=quality_thr)
        for title, parsing in panels.items()]
    canvas = _join(drawn) if len(drawn) > 1 else drawn[0]
    if legend:
        present = np.concatenate([parsing.category for parsing in panels.values()])
        hatched = any(_is_doubtful(parsing, quality_thr).any() for parsing in panels.values())
        canvas = add_legend(canvas, present, label_set, note=f'quality < {quality_thr:g}' if hatched else '')
    return canvas


def check_options(*, alpha: float, quality_thr: float) -> None:
    """Raise ``InputError`` for options out of their range."""
    for name, value in dict(alpha=alpha, quality_thr=quality_thr).items():
        if not 0 <= value <= 1:
            raise InputError(f'{name} must lie in [0, 1], not {value}')


def _check_fit(image: np.ndarray, parsing: ImageParsing) -> None:
    for name in ('category', 'human', 'part'):
        shape = getattr(parsing, name).shape
        if shape != image.shape[:2]:
            raise InputError(f'the {name} map is {shape[1]}x{shape[0]}, the image {image.shape[1]}x{image.shape[0]} '
                             '(width x height)')


def _draw_panel(image: np.ndarray, parsing: ImageParsing, *, title: str, label_set: LabelSet, alpha: float,
                part_labels: bool, quality_thr: float) -> np.ndarray:
    people, parts = windows_of(parsing.human), windows_of(parsing.part)
    _check_numbers('human', people, parsing.person_scores)
    _check_numbers('part', parts, parsing.part_labels)
    doubtful = _doubtful_pixels(parsing, parts, quality_thr)
    canvas = outline(blend(image, parsing.category, label_set, alpha, doubtful), parsing.category, parsing.human, people,
                     tracks=parsing.person_tracks)
    if parsing.surface is not None:  # charts are too many to be named beside the people
        canvas, part_labels = draw_iso_lines(canvas, parsing), False
    draw_callouts(canvas, parsing, people=people, parts=parts if part_labels else [], label_set=label_set,
                  quality_thr=quality_thr, title=title)
    return canvas


def _check_numbers(name: str, windows: Windows, values: np.ndarray | None) -> None:
    if windows and values is not None and windows[-1][0] > len(values):
        raise InputError(f'the {name} map has number {windows[-1][0]}, but there are values for {len(values)}')


def _join(panels: Sequence[np.ndarray]) -> np.ndarray:
    """Panels of one size with a gap between them, the wide ones one below the other."""
    height, width = panels[0].shape[:2]
    axis = 0 if width > 1.5 * height else 1
    gap = max(4, round(max(height, width) / 150))
    strip = np.full((gap, width, 3) if axis == 0 else (height, gap, 3), PAPER, dtype=np.uint8)
    pieces = [piece for panel in panels for piece in (strip, panel)][1:]
    return np.concatenate(pieces, axis=axis)


def _is_doubtful(parsing: ImageParsing, quality_thr: float) -> np.ndarray:
    """(K,) bool, the parts below a quality."""
    if parsing.part_scores is None:
        return np.zeros(len(parsing.part_labels), dtype=bool)
    return parsing.part_scores < quality_thr


def _doubtful_pixels(parsing: ImageParsing, windows: Windows, quality_thr: float) -> np.ndarray | None:
    """(H, W) bool, the pixels of parts below a quality; ``None`` if there are none."""
    doubtful = _is_doubtful(parsing, quality_thr)
    if not doubtful.any():
        return None
    pixels = np.zeros(parsing.part.shape, dtype=bool)
    for number, window in windows:
        if doubtful[number - 1]:
            pixels[window] |= parsing.part[window] == number
    return pixels

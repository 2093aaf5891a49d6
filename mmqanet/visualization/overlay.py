"""Pictures of a parsing: the overlay that people look at and the palette PNG that programs read.

    H, W size of the image, C classes.
"""
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from mmqanet.structures import ParsingDataSample
from mmqanet.visualization.arrays import ParsingArrays, predicted
from mmqanet.visualization.callouts import draw_callouts
from mmqanet.visualization.lettering import add_legend, with_legend
from mmqanet.visualization.paint import Palette, Windows, blend, outline, windows_of

__all__ = ['add_legend', 'blend', 'draw_arrays', 'draw_parsing', 'jpeg', 'outline', 'palette_image', 'with_legend']


def palette_image(label_map: np.ndarray, palette: Palette) -> Image.Image:
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
    palette: Palette,
    classes: Sequence[str],
    alpha: float = 0.6,
    legend: bool = True,
    part_labels: bool = True,
    quality_thr: float = 0.0,
) -> np.ndarray:
    """Draw the predicted people of a sample over their image.

    Part colours, outlines, a badge with number and quality on each person, name and quality beside each part that is
    large enough, a legend. The numbers are those of ``pred_maps.human``.

    Args:
        image: (H, W, 3) uint8 BGR.
        sample: with ``pred_maps``, ``pred_instances`` and, for the qualities of parts, ``pred_parts``.
        palette, classes: of the data set, C of each; the palette is RGB.
        alpha: weight of the part colours, 0 to 1.
        legend: add a column at the right that names the classes in the picture.
        part_labels: write names and qualities beside the parts; the small ones are left to the legend.
        quality_thr: parts of a lower quality, in [0, 1], are hatched; 0 hatches none.

    Returns:
        (H', W', 3) uint8 BGR; larger than the image by the legend, and enlarged first where it is tiny.
    """
    return draw_arrays(image, predicted(sample), palette=palette, classes=classes, alpha=alpha, legend=legend,
                       part_labels=part_labels, quality_thr=quality_thr)


def draw_arrays(
    image: np.ndarray,
    arrays: ParsingArrays,
    *,
    palette: Palette,
    classes: Sequence[str],
    alpha: float = 0.6,
    legend: bool = True,
    part_labels: bool = True,
    quality_thr: float = 0.0,
    title: str = '',
) -> np.ndarray:
    """Draw people that are given as plain arrays, an annotation or a prediction; see :func:`draw_parsing`.

    Args:
        title: written into the upper left corner.
    """
    zoom = max(1, round(480 / max(image.shape[:2])))
    if zoom > 1:
        image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        arrays = arrays.enlarged(zoom)
    people, parts = windows_of(arrays.human), windows_of(arrays.part)
    doubtful = _doubtful_pixels(arrays, parts, quality_thr)
    canvas = outline(blend(image, arrays.category, palette, alpha, doubtful), arrays.category, arrays.human, people)
    draw_callouts(canvas, arrays, people=people, parts=parts if part_labels else [], palette=palette, classes=classes,
                  quality_thr=quality_thr, title=title)
    if legend:
        note = f'quality < {quality_thr:g}' if doubtful is not None else ''
        canvas = add_legend(canvas, arrays.category, palette, classes, note=note)
    return canvas


def _doubtful_pixels(arrays: ParsingArrays, windows: Windows, quality_thr: float) -> np.ndarray | None:
    """(H, W) bool, the pixels of parts below a quality; ``None`` if there are none."""
    if arrays.part_qualities is None or not (arrays.part_qualities < quality_thr).any():
        return None
    doubtful = np.zeros(arrays.part.shape, dtype=bool)
    for number, window in windows:
        if arrays.part_qualities[number - 1] < quality_thr:
            doubtful[window] |= arrays.part[window] == number
    return doubtful

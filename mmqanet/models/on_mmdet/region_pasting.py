"""Where the maps of a region-based parser lie in the image."""
from collections.abc import Sequence

import numpy as np
from mmengine.structures import PixelData

from mmqanet.functional.pasting import SemanticContext, full_label_map, paste_person


def category_map(context: SemanticContext, *, image_shape: tuple[int, int], threshold: float) -> PixelData:
    """The class map (1, H, W) uint8 of the whole image where a class is more probable than ``threshold``, else 0."""
    above = float(np.nextafter(np.float32(threshold), np.float32(1)))
    pasted = paste_person(context.probs, context.windows, image_shape=image_shape, background_below=above)
    return PixelData(data=full_label_map(pasted.label_map, pasted.offset, image_shape)[None].cpu())


def visible_window(box: Sequence[float]) -> tuple[float, float, float, float]:
    """The window x1, y1, x2, y2 of a box (continuous): a pixel at least, for a box may lose its area at the border."""
    x1, y1, x2, y2 = box
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def whole_pixel_window(box: Sequence[float], *, num_samples: int) -> tuple[float, float, float, float]:
    """The window x1, y1, x2, y2 that a region's map covers where Detectron pastes it.

    The box, which names its last pixel, grows by a margin of one sample on each side, and its corners are cut to whole
    pixels.
    """
    sides = []
    for first, last in ((box[0], box[2]), (box[1], box[3])):
        half = (last - first) / 2 * (num_samples + 2) / num_samples
        start, stop = int((first + last) / 2 - half), int((first + last) / 2 + half) + 1
        sample = max(stop - start, 1) / (num_samples + 2)
        sides.append((start + sample, max(stop, start + 1) - sample))
    (x1, x2), (y1, y2) = sides
    return x1, y1, x2, y2

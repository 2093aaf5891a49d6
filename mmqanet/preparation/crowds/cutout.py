"""A person cut out of a photo: colours, a soft outline and labels, free of the old background.

Letters: H, W height and width of the photo, h, w of the cut-out.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from mmqanet.functional.mirroring import swap_sides

_FEATHER = 2.5  # pixels of a photo in which a person fades, all of them inside the outline
_SPECK = 0.002  # of the person: holes and islands below it are slips of the annotation
_MARGIN = 2


@dataclass(frozen=True)
class Cutout:
    """A person without surroundings.

    image: (h, w, 3) uint8 BGR, the person's own colours also where the outline fades.
    alpha: (h, w) float32 in [0, 1], how much of a pixel is the person.
    category: (h, w) uint8, classes, never background where ``alpha`` > 0.
    origin: (x, y) of the upper left pixel in the photo.
    """

    image: np.ndarray
    alpha: np.ndarray
    category: np.ndarray
    origin: tuple[int, int] = (0, 0)

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool: the pixels that are mostly the person, which carry the labels."""
        return self.alpha > 0.5

    def mirrored(self, flip_pairs: Sequence[tuple[int, int]] = ()) -> 'Cutout':
        """Left for right, with the classes of ``flip_pairs`` swapped."""
        image, alpha, category = (np.ascontiguousarray(plane[:, ::-1]) for plane in (self.image, self.alpha, self.category))
        return replace(self, image=image, alpha=alpha, category=swap_sides(category, flip_pairs))

    def resized(self, scale: float) -> 'Cutout':
        """``scale`` times as large."""
        height, width = (max(round(side * scale), 1) for side in self.alpha.shape)
        smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        return replace(
            self, image=cv2.resize(self.image, (width, height), interpolation=smooth),
            alpha=np.clip(cv2.resize(self.alpha, (width, height), interpolation=smooth), 0, 1),
            category=cv2.resize(self.category, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))


def cut_out(image: np.ndarray, category: np.ndarray, mask: np.ndarray) -> Cutout:
    """Cut a person out of a photo.

    The outline fades inwards over a few pixels, and what fades takes its colour from the person's inside: no rim of
    the old background travels along. Small holes of the mask are closed, with the nearest class, small islands left out.

    Args:
        image: (H, W, 3) uint8 BGR.
        category: (H, W) uint8, classes; not background everywhere in the mask.
        mask: (H, W) bool, the person's pixels; some must be set.
    """
    mask = tidy(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, x0 = max(rows[0] - _MARGIN, 0), max(columns[0] - _MARGIN, 0)
    window = slice(y0, rows[-1] + 1 + _MARGIN), slice(x0, columns[-1] + 1 + _MARGIN)
    image, category, mask = image[window], category[window], mask[window]
    alpha = _soft_outline(mask)
    return Cutout(_own_colours(image, alpha), alpha, _spread(category, mask), (int(x0), int(y0)))


def tidy(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) bool without its small holes and small islands."""
    least = _SPECK * mask.sum()
    for wanted in (False, True):
        _, pieces, stats, _ = cv2.connectedComponentsWithStats((mask == wanted).astype(np.uint8))
        small = stats[:, cv2.CC_STAT_AREA] < least
        small[0] = False
        mask = mask ^ small[pieces]
    return mask


def _soft_outline(mask: np.ndarray) -> np.ndarray:
    # The photo's own border is no outline: beyond it the person goes on.
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 8, 8, 8, 8, cv2.BORDER_REPLICATE)
    padded = (cv2.GaussianBlur(padded.astype(np.float32), (0, 0), 1.5) > 0.5).astype(np.uint8)  # without its steps
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[8:-8, 8:-8]
    return cv2.GaussianBlur(np.clip((depth - 0.5) / _FEATHER, 0, 1), (0, 0), 0.7)


def _own_colours(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The photo where the person is opaque; elsewhere the mean of the opaque pixels close by, where there are some."""
    opaque = (alpha > 0.98).astype(np.float32)
    weight = cv2.GaussianBlur(opaque, (0, 0), 2.0)
    inner = cv2.GaussianBlur(image * opaque[..., None], (0, 0), 2.0) / np.maximum(weight, 1e-6)[..., None]
    taken = (np.clip(weight / 0.02, 0, 1) * (1 - opaque))[..., None]
    return np.rint(image * (1 - taken) + inner * taken).astype(np.uint8)


def _spread(category: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The class of the nearest labelled pixel of the person, everywhere."""
    known = mask & (category > 0)
    _, nearest = cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    classes = np.zeros(nearest.max() + 1, np.uint8)
    classes[nearest[known]] = category[known]
    return classes[nearest]

"""What the converters of faces have in common: one head a picture, its box, landmarks, names of classes.

The person map holds the head: all labels but those of neck, necklace and clothes. So the boxes in the JSON are head boxes,
and the class map keeps everything.
"""
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError
from mmqanet.functional.image_parsing import IGNORE
from mmqanet.preparation.converters.batch import Sample
from mmqanet.utils.files import check_shape, read_label_map

BELOW = ('neck', 'necklace', 'cloth')  # classes that do not belong to a head
AROUND = 1.6  # side of a head box, in that of the square around the landmarks: hair is above brows and chin


def head_sample(image: Path, category: np.ndarray, classes: Sequence[str], *, where: Path | str) -> Sample:
    """A picture of one head with its class map (H, W).

    Raises:
        DataError: no pixel is of a head; names ``where``.
    """
    apart = [label for label, name in enumerate(classes) if label == 0 or name in BELOW]
    head = ~np.isin(category, [*apart, IGNORE])
    if not head.any():
        raise DataError(f'{where}: no pixel of a face')
    return Sample(image, category.astype(np.uint8), head.astype(np.uint8))


def read_masks(paths: Iterable[Path]) -> list[np.ndarray]:
    """The masks (H, W) of the parts of a face, a file each; ``DataError`` where one is missing, broken or of another size
    than the first."""
    masks: list[np.ndarray] = []
    for path in paths:
        masks.append(read_label_map(path, first_channel=True))
        check_shape(masks[-1], masks[0].shape, path)
    return masks


def box_around(points: np.ndarray) -> list[float]:
    """The head box (x, y, width, height) around landmarks (K, 2): the square around them, made larger about its centre."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = AROUND * float((high - low).max())
    x, y = ((low + high) / 2 - side / 2).tolist()
    return [round(x, 2), round(y, 2), round(side, 2), round(side, 2)]


def check_labels(category: np.ndarray, classes: Sequence[str], *, where: Path | str) -> np.ndarray:
    """A class map (H, W) itself; ``DataError`` for a label beyond the classes, which is that of another order or version."""
    wrong = category[(category >= len(classes)) & (category != IGNORE)]
    if wrong.size:
        raise DataError(f'{where}: label {wrong.max()}, but there are {len(classes)} classes')
    return category

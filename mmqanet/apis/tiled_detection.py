"""People of large images, found in tiles besides the whole image."""
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.tile_blending import even_starts
from mmqanet.functional.tiled_boxes import cut_by_tile, join_boxes, lie_within

Found = tuple[np.ndarray, np.ndarray]
SMALLEST = 64  # pixels of a tile
OVERLAP = 0.2  # share of a tile that its neighbour shows as well
MARGIN = 1 / 128  # of a tile's side: how near its border a box reaches it


def check_tiles(side: int) -> int:
    """``side`` itself; raises ``InputError`` where it is no side of a tile."""
    if side < SMALLEST:
        raise InputError(f'tiles is {side}, but a tile needs {SMALLEST} pixels at least')
    return side


def detect_in_tiles(detect: Callable[[Sequence[np.ndarray]], list[Found]], image: np.ndarray, whole: Found, *, side: int,
                    batch_size: int) -> Found:
    """Look for people in square tiles of an image, which overlap by a fifth, and join them with those of the whole image.

    What a tile shows inside somebody who is larger than a tile is a piece of that person, such as an arm: it counts only if
    the whole image shows it as a person as well.

    Args:
        detect: finds people in images, as :meth:`PersonDetector.detect`.
        image: (H, W, 3) uint8 BGR.
        whole: boxes and scores of the people in the image at once; all that there are if it is no larger than a tile.
        side: of the tiles, in pixels.
        batch_size: tiles at a time.

    Returns:
        boxes (N, 4) float32 and scores (N,) float32, descending.
    """
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return whole
    boxes, scores, cut = [whole[0]], [whole[1]], [np.zeros(len(whole[0]), dtype=bool)]
    larger = whole[0][(whole[0][:, 2:] - whole[0][:, :2]).max(axis=1) > side]  # a tile shows pieces of these
    tiles = _tiles(height, width, side)
    while batch := list(islice(tiles, batch_size)):
        for (x1, y1, x2, y2), found in zip(batch, detect([image[y1:y2, x1:x2] for x1, y1, x2, y2 in batch])):
            moved = found[0] + np.array([x1, y1, x1, y1], np.float32)
            boxes.append(moved)
            scores.append(found[1])
            cut.append(cut_by_tile(moved, (x1, y1, x2, y2), (height, width), margin=MARGIN * side)
                       | lie_within(moved, larger))
    return join_boxes(np.concatenate(boxes), np.concatenate(scores), np.concatenate(cut))


def _tiles(height: int, width: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    """x1, y1, x2, y2 of the tiles, inside the image, row by row."""
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield left, top, left + min(side, width), top + min(side, height)


def _starts(length: int, side: int) -> list[int]:
    """Where tiles begin that are spread evenly over a length of the image."""
    return [round(start) for start in even_starts(0, max(length, side), side, overlap=OVERLAP)]

"""Left and right, face and limbs for Clothing Co-Parsing: its pixel labels joined with coarse body parts.

The pixel labels say exactly what is skin or shoe; BodyPix (Papandreou et al., ECCV 2018) says roughly which limb lies where.
``bodypix/NAME.png`` holds its parts at any smaller size of the photo: 0 background, k + 1 for part k.

A pixel is decided where both agree: skin on a face, torso or limb, a shoe on a foot or leg. The rest follows what is decided
in the same connected piece; :func:`split_by_parts` says how. Body parts at times call the thigh left and the shin right, or
both feet right: sides that a line cannot part, or that two apart pieces share while the other side is nowhere, stay
undecided.
"""
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmqanet.datasets.ccp import CCP_MERGED_CLASSES
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_FLIP_PAIRS, CCP_SIDES_PARTIAL_LABELS, SPLIT
from mmqanet.errors import DataError
from mmqanet.utils.files import read_label_map

IGNORE = 255
NUM_PARTS = 24
PARTIAL = {name: len(CCP_SIDES_CLASSES) + index for index, name in enumerate(CCP_SIDES_PARTIAL_LABELS)}
# Parts of BodyPix, numbered from 0, by what they make of skin.
REGIONS = {
    'face': (0, 1), 'torso-skin': (12, 13), 'left-arm': (2, 3, 6, 7, 10), 'right-arm': (4, 5, 8, 9, 11),
    'left-leg': (14, 15, 18, 19, 22), 'right-leg': (16, 17, 20, 21, 23),
}
_PURE = 0.85  # share of a piece's decided pixels that one class needs to take the whole piece
_PARTED = 0.9  # share of the hints of a left and right that a line must part
_TWIN = 0.4  # of the largest piece: another one of the same side and of that size is no splinter of it
_SPLINTER = 0.04  # of a piece's decided pixels: classes with fewer are slips
_REACH = 0.012  # of the photo's height: how far from a decided pixel the others of a mixed piece still follow it


def read_parts(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The body parts of a photo at its own size: (H, W) uint8, 0 background, k + 1 for part k.

    Raises:
        DataError: the file is missing or broken, has other labels, or not the aspect ratio of ``shape`` (H, W).
    """
    parts = read_label_map(path)
    if parts.max(initial=0) > NUM_PARTS:
        raise DataError(f'{path}: label {parts.max()}, but body parts are 0 to {NUM_PARTS}')
    height, width = shape
    factor = height / parts.shape[0]
    if abs(parts.shape[1] * factor - width) > 2 * factor:
        raise DataError(f'{path}: {parts.shape} is no smaller size of {shape} (rows, columns)')
    return cv2.resize(parts.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def tell_sides(category: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Merged labels to those of :class:`~mmqanet.datasets.ccp_sides.CCPSidesDataset`.

    Args:
        category: (H, W) uint8, CCP's merged classes.
        parts: (H, W) uint8, 0 background, k + 1 for part k of BodyPix.

    Returns:
        (H, W) uint8; where skin or a shoe is not decided, the partial label that stands for any part of it.
    """
    ids = np.array([CCP_SIDES_CLASSES.index(name) if name in CCP_SIDES_CLASSES else IGNORE
                    for name in CCP_MERGED_CLASSES], np.uint8)
    labels = ids[category]
    for name in SPLIT:
        mask = category == CCP_MERGED_CLASSES.index(name)
        if mask.any():
            split = split_by_parts(mask, _hint_table(name)[parts])[mask]
            labels[mask] = np.where(split == IGNORE, PARTIAL[name], split)
    return labels


def split_by_parts(mask: np.ndarray, hints: np.ndarray, *,
                   pairs: Sequence[tuple[int, int]] = CCP_SIDES_FLIP_PAIRS) -> np.ndarray:
    """Split a class by hints, connected piece by piece.

    Where one class holds 85 % of a piece's hints, it takes the piece. Else each pixel follows the nearest hint of the piece,
    if that is within 1.2 % of the height; classes with less than 4 % of a piece's hints are dropped. A left and right of one
    piece is ignored where no line has 90 % of their hints on their own side; the only side of a pair, where two pieces of
    like size have it.

    Args:
        mask: (H, W) bool, the pixels of the class.
        hints: (H, W) uint8, the class that a pixel would get, 255 where nothing is known.
        pairs: left and right classes.

    Returns:
        (H, W) uint8, 255 where nothing was decided and outside of the mask.
    """
    labels = np.full(mask.shape, IGNORE, np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for piece in range(1, count):
        x, y, width, height = stats[piece, :4]
        window = slice(y, y + height), slice(x, x + width)
        inside = pieces[window] == piece
        piece_labels = _split_piece(inside, hints[window], reach=_REACH * mask.shape[0])
        for pair in pairs:
            if not _parted(piece_labels, pair):
                piece_labels[np.isin(piece_labels, pair)] = IGNORE
        labels[window][inside] = piece_labels[inside]
    for pair in pairs:
        if _twins(labels, pair):
            labels[np.isin(labels, pair)] = IGNORE
    return labels


def _parted(labels: np.ndarray, pair: tuple[int, int]) -> bool:
    """Whether the line that best tells left from right, by Fisher's discriminant, has nearly all of both on its sides."""
    points = np.argwhere(np.isin(labels, pair)).astype(float)
    is_left = labels[np.isin(labels, pair)] == pair[0]
    if is_left.all() or not is_left.any():
        return True
    spread = np.cov(points.T) + np.eye(2)  # of at least a pixel: no division by the thickness of a line
    along = points @ np.linalg.solve(spread, points[is_left].mean(0) - points[~is_left].mean(0))
    left_first = is_left[np.argsort(along)]
    right = np.cumsum(~left_first) + left_first.sum() - np.cumsum(left_first)  # the right side below, left above each cut
    return bool(right.max() >= _PARTED * len(left_first))


def _twins(labels: np.ndarray, pair: tuple[int, int]) -> bool:
    """Whether two pieces of like size have the same side, and the other side is nowhere."""
    areas = [np.count_nonzero(labels == label) for label in pair]
    if min(areas) > _SPLINTER * max(areas):
        return False
    only = labels == pair[int(np.argmax(areas))]
    _, _, stats, _ = cv2.connectedComponentsWithStats(only.astype(np.uint8), connectivity=8)
    pieces = np.sort(stats[1:, cv2.CC_STAT_AREA])
    return len(pieces) > 1 and bool(pieces[-2] >= _TWIN * pieces[-1])


def _split_piece(inside: np.ndarray, hints: np.ndarray, *, reach: float) -> np.ndarray:
    known = inside & (hints != IGNORE)
    votes = np.bincount(hints[known], minlength=IGNORE)
    if not votes.any():
        return np.full(inside.shape, IGNORE, np.uint8)
    if votes.max() >= _PURE * votes.sum():
        return np.full(inside.shape, votes.argmax(), np.uint8)
    known &= (votes >= _SPLINTER * votes.sum())[np.minimum(hints, IGNORE - 1)]
    distance, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    classes = np.full(nearest.max() + 1, IGNORE, np.uint8)
    classes[nearest[known]] = hints[known]
    return np.where(distance <= reach, classes[nearest], IGNORE).astype(np.uint8)


def _hint_table(name: str) -> np.ndarray:
    """What each label of the body parts, 0-24, says of a merged class: (25,) uint8, 255 where they contradict it."""
    table = np.full(NUM_PARTS + 1, IGNORE, np.uint8)
    for region, numbers in REGIONS.items():
        part = region.replace('leg', 'shoe') if name == 'shoes' else region
        if part in SPLIT[name]:
            table[np.array(numbers) + 1] = CCP_SIDES_CLASSES.index(part)
    return table

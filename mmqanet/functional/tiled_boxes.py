"""Boxes of people that were found in overlapping tiles of an image, brought together.

A tile shows small people as large as a detector needs them, and cuts those who reach over its border. The slicing of SAHI
(Akyon et al., ICIP 2022) merges what overlaps by its share of the smaller box; here only boxes that are cut are joined that
way, since a child in front of an adult is a person too.

Letters: N boxes.
"""
import numpy as np

SAME = 0.5  # IoU of two boxes that are taken for one person
INSIDE = 0.5  # share of a box that is cut, from which on it belongs to the box that covers it


def cut_by_tile(boxes: np.ndarray, tile: tuple[int, int, int, int], image_shape: tuple[int, int], *,
                margin: float) -> np.ndarray:
    """Which boxes reach the border of a tile where the image goes on.

    Args:
        boxes: (N, 4) x1, y1, x2, y2 in the image.
        tile: x1, y1, x2, y2.
        image_shape: (height, width).
        margin: pixels that a box may stay away from a border that it reaches.

    Returns:
        (N,) bool.
    """
    edges = np.array(tile, dtype=np.float64)
    ends = np.array([0, 0, image_shape[1], image_shape[0]])
    near = np.abs(boxes - edges) <= margin
    return (near & (edges != ends)).any(axis=1)


def lie_within(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which boxes (N, 4) lie in one of others (K, 4) by more than half, (N,) bool."""
    found = np.zeros(len(boxes), dtype=bool)
    for index, box in enumerate(boxes):
        common, own, _ = _overlaps(box, others)
        found[index] = (common > INSIDE * own).any()
    return found


def join_boxes(boxes: np.ndarray, scores: np.ndarray, cut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One box for each person.

    Whole boxes come first, by descending score, as in non-maximum suppression: one whose IoU with a kept box is above 0.5
    is dropped. Then come boxes that are cut. One that lies half inside a kept box belongs to that person: it is dropped if
    the kept one is whole, and both become one box around them if that is cut as well.

    Args:
        boxes: (N, 4) float, x1, y1, x2, y2.
        scores: (N,) float.
        cut: (N,) bool, from :func:`cut_by_tile`, and what else may be a piece of somebody.

    Returns:
        boxes (K, 4) and scores (K,), descending, of the same types; joined boxes have the better score.
    """
    kept: list[int] = []
    boxes, scores = boxes.copy(), scores.copy()
    for index in np.lexsort((-scores, cut)).tolist():
        common, own, others = _overlaps(boxes[index], boxes[kept])
        if not cut[index]:
            if not (common > SAME * (own + others - common)).any():
                kept.append(index)
            continue
        shares = common / max(own, 1e-9)
        if not (shares > INSIDE).any():
            kept.append(index)
            continue
        holder = kept[int(shares.argmax())]
        if cut[holder]:
            boxes[holder, :2] = np.minimum(boxes[holder, :2], boxes[index, :2])
            boxes[holder, 2:] = np.maximum(boxes[holder, 2:], boxes[index, 2:])
    order = sorted(kept, key=lambda index: -scores[index])
    return boxes[order], scores[order]


def _overlaps(box: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """What a box (4,) has in common with others (K, 4), its area, and theirs."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return sides.clip(0).prod(axis=1), float((box[2:] - box[:2]).prod()), (others[:, 2:] - others[:, :2]).prod(axis=1)

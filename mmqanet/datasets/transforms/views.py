"""Training views of a person that other photos have: close, cut off, loosely boxed, blurred.

These transforms come before :class:`BoxesToCrops`, but for :class:`RandomBlur`, which belongs into :class:`TransformCrops`.
All draw from ``numpy.random``, which the data set seeds for every sample.
"""
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmqanet.errors import InputError
from mmqanet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomCloseUp(BaseTransform):
    """Cut a stretch of the person out of the picture, as if its photographer had stood closer or held it otherwise.

    The stretch lies between two heights of the box, 0 its top, 1 its bottom. A side cut off becomes the picture's border, a
    side at the end of the box keeps some of its surroundings. The box becomes that of what is left of the person.

    Required keys: img, gt_map, bboxes (one). Modified keys: img, gt_map, bboxes.

    Args:
        stretches (Sequence[dict]): ``top`` and ``bottom``, each a range that the height is drawn from, and ``prob``. Of
            a standing person ``dict(top=(0, 0), bottom=(0.16, 0.36), prob=0.2)`` is head and shoulders, in a fifth of all
            cases.
        margin (tuple[float, float]): the surroundings kept, as a share of what is left of the person, drawn for each side.
        least (float): of the cut-out: where the person would cover less, the sample stays as it is.

    Raises:
        InputError: a range does not lie in [0, 1] or is empty, or the probabilities sum to more than 1.
    """

    def __init__(self, *, stretches: Sequence[dict], margin: tuple[float, float] = (0.0, 0.8), least: float = 0.05) -> None:
        for stretch in stretches:
            if not 0 <= stretch['top'][0] <= stretch['top'][1] < stretch['bottom'][0] <= stretch['bottom'][1] <= 1:
                raise InputError(f'stretches: top and bottom must be ranges in [0, 1], one above the other, got {stretch}')
        self.probs = [stretch['prob'] for stretch in stretches]
        if not 0 <= sum(self.probs) <= 1 + 1e-9 or min(self.probs, default=0) < 0:
            raise InputError(f'stretches: the probabilities must sum to at most 1, got {self.probs}')
        self.stretches = [(tuple(stretch['top']), tuple(stretch['bottom'])) for stretch in stretches]
        self.margin = margin
        self.least = least

    def transform(self, results: dict) -> dict:
        """Move the box to a random part of the person, or leave it as it is."""
        choice = int(np.searchsorted(np.cumsum(self.probs), np.random.random(), side='right'))
        if choice == len(self.stretches):
            return results
        (top_range, bottom_range), labels = self.stretches[choice], results['gt_map']
        (x1, y1, x2, y2), = results['bboxes']
        top, bottom = (float(np.random.uniform(low, high)) for low, high in (top_range, bottom_range))
        first, last = max(round(y1 + top * (y2 - y1)), 0), min(round(y1 + bottom * (y2 - y1)), len(labels))
        left, right = max(round(x1), 0), min(round(x2), labels.shape[1])
        found = tight_box(labels[first:last, left:right] > 0)
        if found is None:
            return results
        box = (left + found[0], first + found[1], left + found[2], first + found[3])
        shares = np.random.uniform(self.margin[0], self.margin[1], 4)
        keep = np.round(shares * ((box[2] - box[0], box[3] - box[1]) * 2)).astype(int).tolist()
        window = (max(box[0] - keep[0], 0), first if top > 0 else max(box[1] - keep[1], 0),
                  min(box[2] + keep[2], labels.shape[1]), last if bottom < 1 else min(box[3] + keep[3], len(labels)))
        return self._cut(results, box, window)

    def _cut(self, results: dict, box: tuple[int, int, int, int], window: tuple[int, int, int, int]) -> dict:
        x1, y1, x2, y2 = window
        labels = results['gt_map'][y1:y2, x1:x2]
        if (labels > 0).mean() < self.least:
            return results
        results['img'], results['gt_map'] = results['img'][y1:y2, x1:x2], labels
        results['bboxes'] = np.array([box], np.float32) - np.array([x1, y1, x1, y1], np.float32)
        return results


def tight_box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """x1, y1, x2, y2 around the pixels of a mask (H, W) bool; ``None`` where there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@TRANSFORMS.register_module()
class RandomBoxShift(BaseTransform):
    """Move each side of each box by clip(std · N(0, 1), ±limit) of the box's width or height, as a detector's sides lie.

    The boxes stay within the picture. Required keys: img, bboxes. Modified keys: bboxes.

    Args:
        std, limit (float): shares of the side's length, below a half.
    """

    def __init__(self, *, std: float = 0.05, limit: float = 0.15) -> None:
        if not (std >= 0 and 0 <= limit < 0.5):
            raise InputError(f'std must not be negative and limit lie in [0, 0.5), got {std} and {limit}')
        self.std, self.limit = std, limit

    def transform(self, results: dict) -> dict:
        """Shift the sides of the boxes at random, as a detector misses them."""
        boxes, (height, width) = results['bboxes'], results['img'].shape[:2]
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        shift = np.clip(self.std * np.random.standard_normal(boxes.shape), -self.limit, self.limit)
        moved = boxes + shift * sides
        results['bboxes'] = moved.clip(0, [width, height] * 2).astype(np.float32)
        return results


@TRANSFORMS.register_module()
class RandomBlur(BaseTransform):
    """With probability ``prob`` lose detail: scale down and up again, by a factor drawn evenly on a logarithmic scale.

    Modified keys: img ((H, W, 3) uint8).

    Args:
        factor (tuple[float, float]): range of how many times smaller, at least 1.
        prob (float): of a blur.
    """

    def __init__(self, *, factor: tuple[float, float] = (1.0, 4.0), prob: float = 0.3) -> None:
        if not 1 <= factor[0] <= factor[1]:
            raise InputError(f'factor must be a range from 1 on, got {factor}')
        self.factor, self.prob = tuple(factor), prob

    def transform(self, results: dict) -> dict:
        """Blur the crop at random."""
        if np.random.random() < self.prob:
            factor = float(np.exp(np.random.uniform(*np.log(self.factor))))
            height, width = results['img'].shape[:2]
            small = cv2.resize(results['img'], (max(round(width / factor), 1), max(round(height / factor), 1)),
                               interpolation=cv2.INTER_AREA)
            results['img'] = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return results

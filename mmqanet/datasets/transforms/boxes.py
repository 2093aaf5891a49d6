"""Augmentations of pictures with boxes, for detectors of mmdet: they use its boxes, but import nothing of it."""
import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmqanet.errors import InputError
from mmqanet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomAspect(BaseTransform):
    """Stretch a picture in width or height and keep its area.

    Required keys: img ((H, W, 3) uint8), gt_bboxes (mmdet's boxes, optional).
    Modified keys: img, img_shape ((H, W)), gt_bboxes.

    Args:
        max_ratio (float): the ratio of width to height changes by a factor whose logarithm is spread evenly between those of
            1 / max_ratio and max_ratio; at least 1.
        prob (float): probability of a change, in [0, 1].
    """

    def __init__(self, *, max_ratio: float = 1.3, prob: float = 1.0):
        if max_ratio < 1 or not 0 <= prob <= 1:
            raise InputError(f'max_ratio must be at least 1 and prob in [0, 1], not {max_ratio} and {prob}')
        self.max_ratio, self.prob = max_ratio, prob

    def transform(self, results: dict) -> dict:
        if np.random.random() >= self.prob:
            return results
        factor = self.max_ratio ** np.random.uniform(-0.5, 0.5)  # of the width; its inverse of the height
        height, width = results['img'].shape[:2]
        size = max(round(width * factor), 1), max(round(height / factor), 1)
        results['img'] = cv2.resize(results['img'], size)
        results['img_shape'] = results['img'].shape[:2]
        if 'gt_bboxes' in results:
            results['gt_bboxes'].rescale_((size[0] / width, size[1] / height))
        return results


@TRANSFORMS.register_module()
class IgnoreSmallBoxes(BaseTransform):
    """Mark people as ignored who have become too small to be learnt. Without their boxes they would count as background.

    Required keys: gt_bboxes (mmdet's boxes, N), gt_ignore_flags ((N,) bool).
    Modified keys: gt_ignore_flags.

    Args:
        min_size (float): least width and height of a box that counts, in pixels.
    """

    def __init__(self, *, min_size: float):
        if not min_size >= 0:
            raise InputError(f'min_size must not be negative, but is {min_size}')
        self.min_size = min_size

    def transform(self, results: dict) -> dict:
        boxes = results['gt_bboxes']
        small = np.minimum(boxes.widths.numpy(), boxes.heights.numpy()) < self.min_size
        results['gt_ignore_flags'] = results['gt_ignore_flags'] | small
        return results

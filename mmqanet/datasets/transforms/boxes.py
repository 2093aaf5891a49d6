"""Augmentations of pictures with boxes, for detectors of mmdet; they know its boxes by their methods alone."""
import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmqanet.errors import InputError
from mmqanet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomAspect(BaseTransform):
    """Stretch a picture in width or height, its area kept.

    Required keys: img, gt_bboxes (optional). Modified keys: img, img_shape, gt_bboxes.

    Args:
        max_ratio (float): the aspect ratio changes by a factor between 1 / max_ratio and max_ratio, spread evenly over its
            logarithm; at least 1.
        prob (float): how often.
    """

    def __init__(self, *, max_ratio: float = 1.3, prob: float = 1.0):
        if max_ratio < 1 or not 0 <= prob <= 1:
            raise InputError(f'max_ratio must be at least 1 and prob in [0, 1], not {max_ratio} and {prob}')
        self.max_ratio, self.prob = max_ratio, prob

    def transform(self, results: dict) -> dict:
        if np.random.random() >= self.prob:
            return results
        factor = self.max_ratio ** np.random.uniform(-0.5, 0.5)
        height, width = results['img'].shape[:2]
        size = max(round(width * factor), 1), max(round(height / factor), 1)
        results['img'] = cv2.resize(results['img'], size)
        results['img_shape'] = results['img'].shape[:2]
        if 'gt_bboxes' in results:
            results['gt_bboxes'].rescale_((size[0] / width, size[1] / height))
        return results


@TRANSFORMS.register_module()
class IgnoreSmallBoxes(BaseTransform):
    """Mark people that have become too small to be learnt as ignored: taken out, they would count as background.

    Required keys: gt_bboxes, gt_ignore_flags. Modified keys: gt_ignore_flags.

    Args:
        min_size (float): least width and height of a box that counts, in pixels.
    """

    def __init__(self, *, min_size: float):
        self.min_size = min_size

    def transform(self, results: dict) -> dict:
        boxes = results['gt_bboxes']
        small = np.minimum(boxes.widths.numpy(), boxes.heights.numpy()) < self.min_size
        results['gt_ignore_flags'] = results['gt_ignore_flags'] | small
        return results

"""Whole images for parsers that find people themselves: resizing and mirroring, with boxes and label maps.

Sizes follow Detectron: the short side is given, the long one limited.
"""
import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmqanet.datasets.transforms.contracts import MultiScaleTransform
from mmqanet.errors import InputError
from mmqanet.functional.mirroring import swap_sides
from mmqanet.registry import TRANSFORMS

MAPS = ('category_map', 'human_map')


def short_side_scale(size: tuple[int, int], *, short_side: float, long_side: float) -> float:
    """The factor that makes the short side of a (height, width) ``short_side``, but the long one ``long_side`` at most."""
    low, high = sorted(size)
    if high / low * short_side > long_side:
        short_side = round(long_side * low / high)
    return max(short_side, 1) / low


def check_sides(short_sides: tuple[int, ...], long_side: int) -> None:
    """Raise ``InputError`` for a side below one pixel, or no short side at all."""
    if not short_sides or min(short_sides) < 1 or long_side < 1:
        raise InputError(f'short_side and long_side must be at least 1, not {short_sides} and {long_side}')


@TRANSFORMS.register_module()
class ImagesAtScales(MultiScaleTransform):
    """Resize an image for testing, once for every scale; boxes stay those of the image.

    Interpolated bilinearly in floating point, as Detectron does.

    Required keys: img ((H, W, 3) uint8). Added keys: scaled_images (a list of S (h, w, 3) float32).

    Args:
        short_side, long_side (int): of the resized image at scale 1.
        scales (tuple[float, ...]): factors on the short side for multi-scale testing.
        augmented_long_side (int, optional): in place of ``long_side`` for scales other than 1.
    """

    def __init__(self, *, short_side: int = 800, long_side: int = 1333, scales: tuple[float, ...] = (1.0,),
                 augmented_long_side: int | None = None) -> None:
        super().__init__(scales=scales)
        check_sides((short_side,), long_side)
        self.short_side, self.long_side = short_side, long_side
        self.augmented_long_side = augmented_long_side or long_side

    def transform(self, results: dict) -> dict:
        """Resize the image to every scale."""
        image = results['img'].astype(np.float32)
        results['scaled_images'] = []
        for scale in self.scales:
            factor = short_side_scale(image.shape[:2], short_side=round(self.short_side * scale),
                                      long_side=self.long_side if scale == 1 else self.augmented_long_side)
            results['scaled_images'].append(cv2.resize(image, None, fx=factor, fy=factor))
        return results


@TRANSFORMS.register_module()
class RandomShortSide(BaseTransform):
    """Resize an image for training to one of several sizes, with its people.

    Required keys: img ((H, W, 3) uint8), bboxes ((M, 4) float32 xyxy), category_map and human_map ((H, W), both optional).
    Modified keys: these. Added keys: img_shape ((h, w)).

    Args:
        short_sides (tuple[int, ...]): one of them is drawn.
        long_side (int): most pixels of the long side.
        backend (str): ``'pillow'`` averages over the pixels of the image when it shrinks, ``'cv2'`` does not.
    """

    def __init__(self, *, short_sides: tuple[int, ...] = (512, 640, 704, 768, 800, 864), long_side: int = 1400,
                 backend: str = 'pillow') -> None:
        check_sides(tuple(short_sides), long_side)
        self.short_sides, self.long_side, self.backend = tuple(short_sides), long_side, backend

    def transform(self, results: dict) -> dict:
        """Resize the image, its boxes and its maps to a random short side."""
        height, width = results['img'].shape[:2]
        short_side = self.short_sides[np.random.randint(len(self.short_sides))]
        factor = short_side_scale((height, width), short_side=short_side, long_side=self.long_side)
        size = max(int(width * factor + 1e-6), 1), max(int(height * factor + 1e-6), 1)
        results['img'] = mmcv.imresize(results['img'], size, backend=self.backend)
        results['img_shape'] = results['img'].shape[:2]
        results['bboxes'] = results['bboxes'] * np.array([size[0] / width, size[1] / height] * 2, np.float32)
        for key in set(MAPS) & set(results):
            results[key] = cv2.resize(results[key], size, interpolation=cv2.INTER_NEAREST)
        return results


@TRANSFORMS.register_module()
class RandomMirror(BaseTransform):
    """With probability ``prob`` mirror an image with its people, and exchange left and right labels.

    Required keys: img ((H, W, 3)), bboxes ((M, 4) xyxy), flip_pairs, category_map and human_map ((H, W), both optional).
    Modified keys: these.
    """

    def __init__(self, *, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise InputError(f'prob must be in [0, 1], not {prob}')
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Mirror the image, its boxes and its maps at random, left and right classes exchanged."""
        if np.random.random() >= self.prob:
            return results
        width = results['img'].shape[1]
        results['img'] = np.ascontiguousarray(results['img'][:, ::-1])
        x1, y1, x2, y2 = results['bboxes'].T
        results['bboxes'] = np.stack([width - x2, y1, width - x1, y2], axis=1)
        for key in set(MAPS) & set(results):
            results[key] = np.ascontiguousarray(results[key][:, ::-1])
        if 'category_map' in results:
            results['category_map'] = swap_sides(results['category_map'], results['flip_pairs'])
        return results


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

    def __init__(self, *, max_ratio: float = 1.3, prob: float = 1.0) -> None:
        if max_ratio < 1 or not 0 <= prob <= 1:
            raise InputError(f'max_ratio must be at least 1 and prob in [0, 1], not {max_ratio} and {prob}')
        self.max_ratio, self.prob = max_ratio, prob

    def transform(self, results: dict) -> dict:
        """Stretch the picture and its boxes at random."""
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

    def __init__(self, *, min_size: float) -> None:
        if not min_size >= 0:
            raise InputError(f'min_size must not be negative, but is {min_size}')
        self.min_size = min_size

    def transform(self, results: dict) -> dict:
        """Mark the small boxes as ignored."""
        boxes = results['gt_bboxes']
        small = np.minimum(boxes.widths.numpy(), boxes.heights.numpy()) < self.min_size
        results['gt_ignore_flags'] = results['gt_ignore_flags'] | small
        return results

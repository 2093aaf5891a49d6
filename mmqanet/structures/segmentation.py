"""COCO's masks of instances, in each of their forms."""
import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.functional.rle import decode_rle


def decode_segmentation(segmentation: list | dict, shape: tuple[int, int]) -> np.ndarray:
    """COCO's polygons or run lengths → (H, W) uint8 of 0 and 1.

    Raises:
        InputError: it is neither, of another size, or far out of the image.
        DataError: pycocotools is needed and not installed.
    """
    if isinstance(segmentation, dict) and isinstance(segmentation['counts'], str):
        return decode_rle(segmentation, image_shape=shape).astype(np.uint8)
    _check_extent(segmentation, shape)
    try:
        from pycocotools import mask as mask_tools
    except ImportError:
        raise DataError("polygons need the package pycocotools: pip install '.[detection]'") from None
    try:
        runs = mask_tools.frPyObjects(segmentation, *shape)
    except Exception as error:  # it raises no other class
        raise InputError(str(error)) from None
    return mask_tools.decode(mask_tools.merge(runs) if isinstance(runs, list) else runs)


def _check_extent(segmentation: list | dict, shape: tuple[int, int]) -> None:
    """Raise ``InputError`` for what is larger than the image, as pycocotools walks along every edge of a polygon."""
    if isinstance(segmentation, dict):
        if list(segmentation['size']) != list(shape):
            raise InputError(f'size: a mask of {segmentation["size"]} in an image of {list(shape)}')
        return
    for polygon in segmentation:
        if not all(-max(shape) <= value <= 2 * max(shape) for value in polygon):
            raise InputError('a polygon that leaves the image by more than its size')

"""COCO's masks of instances, in each of their forms."""
import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.functional.rle import decode_rle


def decode_segmentation(segmentation: list | dict, shape: tuple[int, int]) -> np.ndarray:
    """COCO's polygons or run lengths → (H, W) uint8 of 0 and 1.

    Raises:
        InputError: it is neither. DataError: pycocotools is needed and not installed.
    """
    if isinstance(segmentation, dict) and isinstance(segmentation['counts'], str):
        return decode_rle(segmentation).astype(np.uint8)
    try:
        from pycocotools import mask as mask_tools
    except ImportError:
        raise DataError("polygons need the package pycocotools: pip install '.[detection]'") from None
    try:
        runs = mask_tools.frPyObjects(segmentation, *shape)
    except Exception as error:  # it raises no other class
        raise InputError(str(error)) from None
    return mask_tools.decode(mask_tools.merge(runs) if isinstance(runs, list) else runs)

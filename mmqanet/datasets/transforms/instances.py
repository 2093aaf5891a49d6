"""The mask of one annotated instance, for training on crops of instances."""
import numpy as np

from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.errors import DataError, InputError
from mmqanet.functional.rle import decode_rle
from mmqanet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadInstanceMask(GroundTruthTransform):
    """Read the mask of the sample's one instance.

    Required keys: segmentation (COCO's: polygons, or run lengths), ann_ids, ori_shape. Polygons and uncompressed run
    lengths need pycocotools.
    Added keys: gt_map ((H, W) uint8 of 0 and 1).
    """

    def transform(self, results: dict) -> dict:
        """Decode the instance's mask; raises ``DataError`` where it cannot be read or is of another size than the image."""
        shape = tuple(results['ori_shape'])
        try:
            mask = decode_segmentation(results['segmentation'], shape)
        except (InputError, TypeError, ValueError, KeyError, IndexError) as error:
            raise DataError(f'annotation {results["ann_ids"][0]}: segmentation cannot be read ({error})') from None
        if mask.shape != shape:
            raise DataError(f'annotation {results["ann_ids"][0]}: segmentation of {mask.shape}, but the image has {shape}')
        results['gt_map'] = mask
        return results


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

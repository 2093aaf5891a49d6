"""The mask of one annotated instance, for training on crops of instances."""

from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.errors import DataError, InputError
from mmqanet.registry import TRANSFORMS
from mmqanet.structures.segmentation import decode_segmentation


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

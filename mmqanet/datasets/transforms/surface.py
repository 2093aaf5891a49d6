"""Dense pose annotations: coarse parts and points on the surface of the body, from the annotators' view to the crop."""
from dataclasses import replace

import numpy as np
from mmcv.transforms import BaseTransform

from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.errors import InputError
from mmqanet.functional.charts import PART_PAIRS
from mmqanet.registry import TRANSFORMS
from mmqanet.structures.surface_points import SurfacePoints, check_box, place_part_map, read_part_map
from mmqanet.structures.uv_mirror import load_uv_mirror


@TRANSFORMS.register_module()
class LoadSurface(GroundTruthTransform):
    """Read the coarse parts and the surface points of the sample's one person.

    Required keys: dense_pose (the COCO annotation), ori_shape.
    Added keys: gt_map ((H, W) uint8, coarse parts), surface_points (:class:`SurfacePoints`), point_places ((P, 2) float64,
    x, y in the image). Modified key: flip_pairs (those of the coarse parts).
    """

    def transform(self, results: dict) -> dict:
        """Read the annotation; raises ``DataError`` where a field is missing or out of its range."""
        annotation = results['dense_pose']
        points = SurfacePoints.read(annotation)
        check_box(annotation, results['ori_shape'])
        results['gt_map'] = place_part_map(read_part_map(annotation), annotation['bbox'], results['ori_shape'])
        results['surface_points'], results['point_places'] = points, points.in_image(annotation['bbox'])
        results['flip_pairs'] = PART_PAIRS
        return results


@TRANSFORMS.register_module()
class WarpSurfacePoints(BaseTransform):
    """Move the surface points into the sample's one crop, as :class:`WarpCrops` does with the pixels.

    Required keys: crops, surface_points, point_places; nothing happens without points.
    Added key: gt_points (dict of ``xy`` (P, 2) float32 in the crop as indices of pixels, ``charts`` (P,) int64, ``uv``
    (P, 2) float32 in [0, 1]). Points outside the crop stay in it.

    Args:
        uv_mirror (str, optional): ``UV_symmetry_transforms.mat``, read when the first crop is mirrored.

    Raises:
        InputError: a crop is mirrored, and there are no tables. DataError: they cannot be read.
    """

    def __init__(self, *, uv_mirror: str | None = None) -> None:
        self.uv_mirror = uv_mirror

    def transform(self, results: dict) -> dict:
        """Add the points in the crop."""
        if 'surface_points' not in results:
            return results
        crop, = results['crops']
        points = results['surface_points']
        if crop.flipped:
            if self.uv_mirror is None:
                raise InputError('WarpSurfacePoints: a mirrored crop needs uv_mirror, the tables of what U and V become; '
                                 'leave RandomCropFlip out where there are none')
            charts, u, v = load_uv_mirror(self.uv_mirror).points(points.charts, points.u, points.v)
            points = replace(points, charts=charts, u=u, v=v)
        # Half a pixel of the crop from where they are: the release reads continuous coordinates as indices.
        places = replace(crop, flipped=False).to_crop(results['point_places'])
        if crop.flipped:
            places[:, 0] = crop.output_size[0] - 1 - places[:, 0]
        results['gt_points'] = dict(
            xy=places.astype(np.float32), charts=points.charts.astype(np.int64),
            uv=np.stack([points.u, points.v], axis=1).astype(np.float32))
        return results

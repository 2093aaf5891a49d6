"""The last transform: what a pipeline made becomes tensors and a ``ParsingDataSample``."""
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData, PixelData

from mmqanet.registry import TRANSFORMS
from mmqanet.structures import ParsingDataSample

MAP_KEYS = ('category', 'human', 'part')


@TRANSFORMS.register_module()
class PackParsingInputs(BaseTransform):
    """Pack what the network reads, and beside it whatever of boxes, labels and maps the pipeline made.

    Required keys: the one that ``images`` names. Optional keys: bboxes, bbox_scores, parsing_ids, ann_ids, labels,
    gt_seg_map, category_map, human_map, part_map, gt_parts, gt_points.
    Added keys: inputs ((N · S, 3, h, w) uint8 crops, (3, H, W) for a whole image, or a list of S of these), data_samples.

    Args:
        images (str): key of what the network reads, (..., 3): ``'crop_images'``, or ``'img'`` for a parser that reads whole
            images, or ``'scaled_images'``, a list.
        meta_keys (tuple[str, ...]): keys that go into the sample's metainfo, where present.
    """

    def __init__(
        self,
        *,
        images: str = 'crop_images',
        meta_keys: tuple[str, ...] = (
            'img_id', 'img_path', 'name', 'ori_shape', 'img_shape', 'crops', 'tiles', 'crop_sampler', 'classes',
            'flip_pairs'),
    ) -> None:
        self.images = images
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack images or crops as ``inputs`` and everything else as ``data_samples``."""
        sample = ParsingDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        if 'bboxes' in results:
            sample.gt_instances = InstanceData(**{
                key: torch.from_numpy(results[key])
                for key in ('bboxes', 'bbox_scores', 'parsing_ids', 'ann_ids', 'labels') if key in results})
        if 'gt_seg_map' in results:
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(results['gt_seg_map'])[None])
        if 'gt_points' in results:
            points = {key: torch.from_numpy(values) for key, values in results['gt_points'].items()}
            sample.gt_points = InstanceData(**points)
        self._pack_maps(results, sample)
        images = results[self.images]
        inputs = [_channels_first(image) for image in images] if isinstance(images, list) else _channels_first(images)
        return dict(inputs=inputs, data_samples=sample)

    @staticmethod
    def _pack_maps(results: dict, sample: ParsingDataSample) -> None:
        maps = {key: torch.from_numpy(results[f'{key}_map'])[None] for key in MAP_KEYS if f'{key}_map' in results}
        if maps:
            sample.gt_maps = PixelData(**maps)
        if 'gt_parts' in results:
            sample.gt_parts = torch.from_numpy(results['gt_parts'])


def _channels_first(images: np.ndarray) -> torch.Tensor:
    """(..., h, w, 3) → (..., 3, h, w), a view: many people are not copied."""
    return torch.from_numpy(images).movedim(-1, -3)

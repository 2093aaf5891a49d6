"""The last transform: what a pipeline made becomes tensors and a ``ParsingDataSample``."""
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData, PixelData

from mmqanet.registry import TRANSFORMS
from mmqanet.structures import ParsingDataSample

MAP_KEYS = ('category', 'human', 'instance')


@TRANSFORMS.register_module()
class PackParsingInputs(BaseTransform):
    """Pack a training sample (one crop with labels) or a test sample (an image with all its crops).

    Required keys: crop_images, bboxes, bbox_scores, parsing_ids, ann_ids; gt_crop makes it a training sample; a test
    sample takes category_map, human_map, instance_map and gt_parts where they are.
    Added keys: inputs ((3, h, w) uint8 in training, (N · S, 3, h, w) in testing), data_samples.

    Args:
        meta_keys (tuple[str, ...]): keys that go into the sample's metainfo, where present.
    """

    def __init__(
        self,
        *,
        meta_keys: tuple[str, ...] = (
            'img_id', 'img_path', 'name', 'ori_shape', 'crops', 'crop_sampler', 'classes', 'flip_pairs'),
    ):
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        sample = ParsingDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        sample.gt_instances = InstanceData(**{
            key: torch.from_numpy(results[key]) for key in ('bboxes', 'bbox_scores', 'parsing_ids', 'ann_ids')
            if key in results})
        inputs = torch.from_numpy(results['crop_images']).permute(0, 3, 1, 2)  # a view: many people are not copied
        if 'gt_crop' in results:
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(results['gt_crop'])[None])
            return dict(inputs=inputs[0], data_samples=sample)
        self._pack_maps(results, sample)
        return dict(inputs=inputs, data_samples=sample)

    @staticmethod
    def _pack_maps(results: dict, sample: ParsingDataSample) -> None:
        maps = {key: torch.from_numpy(results[f'{key}_map'])[None] for key in MAP_KEYS if f'{key}_map' in results}
        if maps:
            sample.gt_maps = PixelData(**maps)
        if 'gt_parts' in results:
            sample.gt_parts = torch.from_numpy(results['gt_parts'])

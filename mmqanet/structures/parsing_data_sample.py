"""The data sample that carries one image (test) or one person (training) through mmqanet.

Letters used below and in the shapes of the whole package:
    N people of an image, C classes with background as class 0, K part instances,
    H, W height and width of the image, h, w of a crop or network input.
"""
from typing import TYPE_CHECKING, Any

import torch
from mmengine.structures import BaseDataElement, InstanceData, PixelData

from mmqanet.structures import conversions

if TYPE_CHECKING:
    from supervision import Detections


def _field(name: str, dtype: type) -> property:
    """A typed data field of a ``BaseDataElement``: reading, writing and deleting check the type."""

    def get(self: BaseDataElement) -> Any:
        return getattr(self, f'_{name}')

    def put(self: BaseDataElement, value: Any) -> None:
        self.set_field(value, f'_{name}', dtype=dtype)

    def delete(self: BaseDataElement) -> None:
        delattr(self, f'_{name}')

    return property(get, put, delete)


class ParsingDataSample(BaseDataElement):
    """People and image, ground truth and prediction.

    Ground truth:
        gt_instances (InstanceData): ``bboxes`` (N, 4) float32, xyxy in image pixels (continuous: the image spans
            [0, W] × [0, H]); ``bbox_scores`` (N,) float32; ``parsing_ids`` (N,) int64, the person's id in the human map
            (0 for a detected box); ``ann_ids`` (N,) int64.
        gt_sem_seg (PixelData): ``data`` (1, h, w) uint8, labels of the crop, 255 = ignore. Training only.
        gt_maps (PixelData): ``category``, ``human``, ``part``, each (1, H, W). Test only, where annotated.
        gt_parts (Tensor): (K, 3) int32 rows (part instance id, class, human id). Test only, where annotated.

    Prediction:
        pred_instances (InstanceData): ``bboxes`` (N, 4), ``bbox_scores`` (N,), ``iou_scores`` (N,) in [0, 1],
            ``pixel_scores`` (N,), ``part_pixel_scores`` (N, C-1), ``qualities`` (N,), ``part_qualities`` (N, C-1),
            ``expected_ious`` (N,) and ``expected_part_ious`` (N, C-1) where the post-processor has a ``calibration``,
            ``tracks`` (N,) int64, the number of each person's track, 0 for none, where people of a video are followed,
            ``crop_probs`` and ``crop_windows`` where asked for, lists of N with a person's probability maps (C, h, w) half,
            one a scale, and the boxes xyxy in the image that they cover,
            ``kept`` (N,) bool, true for those that survive the parsing NMS, ``sweep_pixel_scores`` (N, T) and
            ``sweep_part_pixel_scores`` (N, T, C-1) where the post-processor has a ``pixel_score_sweep``, and
            the people's label maps as crops: ``label_maps``, a list of N uint8 tensors (h_i, w_i), with ``offsets``
            (N, 2) int64, the (y, x) of each crop's first pixel in the image. Outside its crop a person is background.
        pred_maps (PixelData): ``category`` (class per pixel), ``human`` (1 + index in ``pred_instances``, 0 none) and
            ``part`` (1 + index in ``pred_parts``, 0 none), each (1, H, W).
        pred_sem_seg (PixelData): ``data`` (1, H, W) uint8, the class map that a semantic branch of the network made of the
            whole image, 0 where it is not sure: what people are painted over in ``pred_maps.category``. Only of parsers
            with such a branch.
        pred_parts (InstanceData): the K visible parts in the order of ``pred_maps.part``: ``labels`` (K,) class,
            ``scores`` (K,) part quality, ``people`` (K,) index in ``pred_instances``.
    """

    gt_instances = _field('gt_instances', InstanceData)
    gt_sem_seg = _field('gt_sem_seg', PixelData)
    gt_maps = _field('gt_maps', PixelData)
    gt_parts = _field('gt_parts', torch.Tensor)
    pred_instances = _field('pred_instances', InstanceData)
    pred_maps = _field('pred_maps', PixelData)
    pred_sem_seg = _field('pred_sem_seg', PixelData)
    pred_parts = _field('pred_parts', InstanceData)

    def to_coco(self, *, image_id: int = 1, of: str = 'parts') -> list[dict[str, Any]]:
        """The prediction as COCO results: :func:`mmqanet.structures.conversions.to_coco`."""
        return conversions.to_coco(self, image_id=image_id, of=of)

    def to_supervision(self, *, of: str = 'parts') -> 'Detections':
        """The prediction for Roboflow's supervision: :func:`mmqanet.structures.conversions.to_supervision`."""
        return conversions.to_supervision(self, of=of)

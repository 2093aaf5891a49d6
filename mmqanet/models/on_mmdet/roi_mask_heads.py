"""Mask heads of two-stage detectors: a small map for each box, pasted into the image.

    N detections of an image, C classes, h, w size of a map, H, W size of the image.
"""
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.roi_heads.mask_heads import (
    CoarseMaskHead,
    DynamicMaskHead,
    FCNMaskHead,
    HTCMaskHead,
    MaskIoUHead,
    SCNetMaskHead,
)
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import BYTES_PER_FLOAT, GPU_MEM_LIMIT, _do_paste_mask
from mmdet.models.utils import empty_instances
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.mask_quality import MaskStatistics, join_statistics
from mmqanet.models.mask_quality import MaskQuality
from mmqanet.models.on_mmdet.quality_aware_head import QualityAwareHead
from mmqanet.registry import MODELS


class QualityAwareRoIMaskHead(QualityAwareHead):
    """Scores masks while they are pasted. A box wholly outside of the image has an empty mask, of quality 0."""

    class_agnostic: bool

    def predict_by_feat(self, mask_preds: Sequence[Tensor], results_list: list[InstanceData], batch_img_metas: list[dict],
                        rcnn_test_cfg: ConfigDict, rescale: bool = False,
                        activate_map: bool = False) -> list[InstanceData]:
        """As mmdet's; ``mask_preds`` has a tensor (N, C or 1, h, w) for each image, of probabilities if ``activate_map``."""
        for image, (preds, results, meta) in enumerate(zip(mask_preds, results_list, batch_img_metas)):
            if len(results.bboxes):
                probs = torch.as_tensor(preds).to(results.bboxes) if activate_map else preds.sigmoid()
                if not self.class_agnostic:
                    probs = probs[range(len(probs)), results.labels][:, None]
                shape = self._fit_boxes(results.bboxes, meta, rescale)
                results.masks, statistics = self._paste(probs, results.bboxes, shape, rcnn_test_cfg.mask_thr_binary)
            else:
                results, = empty_instances([meta], results.bboxes.device, 'mask', [results], rcnn_test_cfg.mask_thr_binary)
                statistics = self.quality.measure(results.masks.float())
            results_list[image] = self.add_mask_scores(results, statistics)
        return results_list

    @staticmethod
    def _fit_boxes(boxes: Tensor, meta: dict, rescale: bool) -> tuple[int, int]:
        """Size of the image to paste into; with ``rescale`` that of the file, to which the boxes are scaled in place."""
        height, width = meta['ori_shape'][:2]
        factors = boxes.new_tensor(meta['scale_factor'])
        if rescale:
            boxes /= factors.repeat(1, 2)
            return int(height), int(width)
        return round(height * factors[1].item()), round(width * factors[0].item())

    @staticmethod
    def _pastes_windows(boxes: Tensor) -> bool:
        """Whether each map is pasted within its box only, which a CPU does faster than the whole image."""
        return boxes.device.type == 'cpu'

    def _paste(self, probs: Tensor, boxes: Tensor, shape: tuple[int, int],
               threshold: float) -> tuple[Tensor, MaskStatistics]:
        """Masks (N, H, W) and their statistics from maps (N, 1, h, w), never more than some of them at once.

        A negative ``threshold`` asks for maps of 0-255, as in mmdet.
        """
        height, width = shape
        one_by_one = self._pastes_windows(boxes)  # otherwise as many as 1 GB takes, whole
        size = 1 if one_by_one else max(1, GPU_MEM_LIMIT // (height * width * BYTES_PER_FLOAT))
        dtype = torch.bool if threshold >= 0 else torch.uint8
        masks = torch.zeros(len(boxes), height, width, dtype=dtype, device=boxes.device)
        statistics = []
        for indices in torch.arange(len(boxes), device=boxes.device).split(size):
            if one_by_one and _misses(boxes[indices[0]], height, width):
                window, region = masks.new_zeros((1, 0, 0), dtype=torch.float32), (slice(0, 0), slice(0, 0))
            else:
                window, region = _do_paste_mask(probs[indices], boxes[indices], height, width, skip_empty=one_by_one)
            masks[(indices,) + region] = window >= threshold if threshold >= 0 else (window * 255).to(dtype)
            statistics.append(self.quality.measure(window, num_pixels=height * width))
        return masks, join_statistics(statistics)


def _misses(box: Tensor, height: int, width: int) -> bool:
    """Whether mmdet's window of a box, a pixel wider on all sides, holds no pixel of the image."""
    x1, y1, x2, y2 = box.tolist()
    return x1 >= width + 1 or y1 >= height + 1 or x2 <= -1 or y2 <= -1


@MODELS.register_module()
class QualityAwareFCNMaskHead(QualityAwareRoIMaskHead, FCNMaskHead):
    """Mask R-CNN, Cascade Mask R-CNN and all others with mmdet's ``FCNMaskHead``."""


@MODELS.register_module()
class QualityAwareHTCMaskHead(QualityAwareRoIMaskHead, HTCMaskHead):
    """Hybrid Task Cascade."""


@MODELS.register_module()
class QualityAwareSCNetMaskHead(QualityAwareRoIMaskHead, SCNetMaskHead):
    """SCNet."""


@MODELS.register_module()
class QualityAwareCoarseMaskHead(QualityAwareRoIMaskHead, CoarseMaskHead):
    """PointRend; the map that is scored is the refined one."""


@MODELS.register_module()
class QualityAwareDynamicMaskHead(QualityAwareRoIMaskHead, DynamicMaskHead):
    """QueryInst."""


@MODELS.register_module()
class QualityAwareMaskIoUHead(MaskIoUHead):
    """Mask Scoring R-CNN: its predicted mask IoU is the IoU score, the score before it is multiplied in the box score.

    The model's mask head must be quality-aware as well. ``scores`` are mmdet's, with the IoU multiplied in.

    Args:
        args, kwargs: those of mmdet's head.
        quality (dict, optional): settings of :class:`~mmqanet.models.mask_quality.MaskQuality`; weights are (1, 1, 1) by
            default, threshold and mode those of the mask head.
    """

    def __init__(self, *args: Any, quality: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quality = MaskQuality.from_config(quality, weights=(1.0, 1.0, 1.0))

    def predict_by_feat(self, mask_iou_preds: Sequence[Tensor], results_list: list[InstanceData]) -> list[InstanceData]:
        """Add ``mask_scores``, the fused score of each mask; with ``replace_scores`` it becomes the instance's score too."""
        for results in results_list:  # the mask head may have replaced the scores
            results.scores = results.get('box_scores', results.scores)
        box_scores = [results.scores for results in results_list]
        results_list = super().predict_by_feat(mask_iou_preds, results_list)
        for results, preds, box in zip(results_list, mask_iou_preds, box_scores):
            if 'pixel_scores' not in results:
                raise InputError('QualityAwareMaskIoUHead: the mask head must be QualityAwareFCNMaskHead')
            ious = preds[range(len(results)), results.labels]
            results.mask_scores = self.quality.fuse(box, results.pixel_scores, ious)
            if 'mask_counts' in results:
                results.mask_ious = ious
            if self.quality.replace_scores:
                results.scores = results.mask_scores
        return results_list

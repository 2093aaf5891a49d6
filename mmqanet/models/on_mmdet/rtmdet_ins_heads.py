"""Heads of RTMDet-Ins: logits at the stride of the finest level, resized to the image, then activated.

    N detections of an image, h, w size of the logits, H, W size of the image.
"""
import math
from collections.abc import Callable
from typing import Any

from mmcv.ops import batched_nms
from mmdet.models.dense_heads import RTMDetInsHead, RTMDetInsSepBNHead
from mmdet.models.task_modules import MlvlPointGenerator
from mmdet.structures.bbox import get_box_tensor, get_box_wh, scale_boxes
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

from mmqanet.models.on_mmdet.quality_aware_head import QualityAwareHead
from mmqanet.registry import MODELS


class QualityAwareRTMDetInsMixin(QualityAwareHead):
    """Scores the probabilities of what non-maximum suppression left."""

    prior_generator: MlvlPointGenerator
    _mask_predict_by_feat_single: Callable[[Tensor, Tensor, Tensor], Tensor]

    def _bbox_mask_post_process(self, results: InstanceData, mask_feat: Tensor, cfg: ConfigDict, rescale: bool = False,
                                with_nms: bool = True, img_meta: Any = None) -> InstanceData:
        """As mmdet's; ``results`` holds boxes, scores, labels, kernels and priors of the candidates."""
        if not with_nms:
            raise NotImplementedError('RTMDet-Ins finds masks of what non-maximum suppression left only')
        factors = [1 / factor for factor in img_meta['scale_factor']] if rescale else None
        results = _suppress(_scored(results, factors, cfg.get('min_bbox_size', -1)), cfg)
        if len(results):
            logits = self._mask_predict_by_feat_single(mask_feat, results.kernels, results.priors)
            probs = self._resize(logits, factors, img_meta['ori_shape']).sigmoid()
            results.masks = probs > cfg.mask_thr_binary
        else:
            shape = img_meta['ori_shape' if rescale else 'img_shape'][:2]
            probs = results.bboxes.new_zeros(0, *shape)
            results.masks = probs.bool()
        return self.add_mask_scores(results, self.quality.measure(probs))

    def _resize(self, logits: Tensor, factors: list[float] | None, ori_shape: tuple[int, ...]) -> Tensor:
        """Logits (N, h, w) at the size of the network's input, or with ``factors`` (x, y) of the image."""
        logits = F.interpolate(logits[None], scale_factor=self.prior_generator.strides[0][0], mode='bilinear')
        if factors:
            size = [math.ceil(side * factor) for side, factor in zip(logits.shape[-2:], reversed(factors))]
            logits = F.interpolate(logits, size=size, mode='bilinear', align_corners=False)
            logits = logits[..., :ori_shape[0], :ori_shape[1]]
        return logits[0]


def _scored(results: InstanceData, factors: list[float] | None, min_size: float) -> InstanceData:
    """Candidates with their boxes scaled, their score factors multiplied in, and without those that are too small."""
    if factors:
        results.bboxes = scale_boxes(results.bboxes, factors)
    if 'score_factors' in results:
        results.scores = results.scores * results.pop('score_factors')
    if min_size >= 0:
        width, height = get_box_wh(results.bboxes)
        results = results[(width > min_size) & (height > min_size)]
    return results


def _suppress(results: InstanceData, cfg: ConfigDict) -> InstanceData:
    """The best of the candidates that non-maximum suppression leaves."""
    if not len(results):
        return results
    boxes, kept = batched_nms(get_box_tensor(results.bboxes), results.scores, results.labels, cfg.nms)
    results = results[kept]
    results.scores = boxes[:, -1]  # some kinds of suppression lower them
    return results[:cfg.max_per_img]


@MODELS.register_module()
class QualityAwareRTMDetInsHead(QualityAwareRTMDetInsMixin, RTMDetInsHead):
    """RTMDet-Ins."""


@MODELS.register_module()
class QualityAwareRTMDetInsSepBNHead(QualityAwareRTMDetInsMixin, RTMDetInsSepBNHead):
    """RTMDet-Ins with a batch norm for each level, as in mmdet's configs."""

"""Mask heads of CondInst and BoxInst: maps at a stride of the input, resized to the image.

    N detections of an image, h, w size of the maps, H, W size of the image.
"""
from typing import Any

from mmdet.models.dense_heads import BoxInstMaskHead, CondInstMaskHead
from mmdet.models.utils import aligned_bilinear, empty_instances
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

from mmqanet.models.on_mmdet.quality_aware_head import QualityAwareHead
from mmqanet.registry import MODELS


class QualityAwareCondInstMixin(QualityAwareHead):
    """Scores the probabilities that are cut into masks."""

    mask_out_stride: int

    def predict_by_feat(self, mask_preds: list[Tensor], results_list: list[InstanceData], batch_img_metas: list[dict],
                        rescale: bool = True, **kwargs: Any) -> list[InstanceData]:
        """As mmdet's; ``mask_preds`` has logits (N, h, w) for each image."""
        for image, (logits, results, meta) in enumerate(zip(mask_preds, results_list, batch_img_metas)):
            if len(results.bboxes) and len(logits):
                probs = self._resize(logits.sigmoid(), meta, rescale)
                if rescale:
                    results.bboxes /= results.bboxes.new_tensor(meta['scale_factor']).repeat(1, 2)
                results.masks = probs > self.test_cfg.mask_thr
            else:
                results, = empty_instances([meta], results.bboxes.device, 'mask', [results])
                probs = results.masks.float()
            results_list[image] = self.add_mask_scores(results, self.quality.measure(probs))
        return results_list

    def _resize(self, probs: Tensor, meta: dict, rescale: bool) -> Tensor:
        """Maps (N, h, w) at the size of the network's input without its padding, or with ``rescale`` of the image."""
        height, width = meta['img_shape'][:2]
        probs = aligned_bilinear(probs[None], self.mask_out_stride)[:, :, :height, :width]
        if rescale:
            probs = F.interpolate(probs, size=meta['ori_shape'][:2], mode='bilinear', align_corners=False)
        return probs[0]


@MODELS.register_module()
class QualityAwareCondInstMaskHead(QualityAwareCondInstMixin, CondInstMaskHead):
    """CondInst."""


@MODELS.register_module()
class QualityAwareBoxInstMaskHead(QualityAwareCondInstMixin, BoxInstMaskHead):
    """BoxInst."""

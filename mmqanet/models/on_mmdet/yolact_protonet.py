"""The mask head of YOLACT: sums of prototypes, cut to the box and resized to the image.

    N detections of an image, h, w size of the prototypes, H, W size of the image.
"""
from typing import Any

import torch
from mmdet.models.dense_heads import YOLACTProtonet
from mmdet.models.utils import empty_instances
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

from mmqanet.models.on_mmdet.quality_aware_head import QualityAwareHead
from mmqanet.registry import MODELS


@MODELS.register_module()
class QualityAwareYOLACTProtonet(QualityAwareHead, YOLACTProtonet):
    """Scores the probabilities that are cut into masks."""

    def predict_by_feat(self, mask_preds: list[Tensor], segm_preds: Tensor, results_list: list[InstanceData],
                        batch_img_metas: list[dict], rescale: bool = True, **kwargs: Any) -> list[InstanceData]:
        """As mmdet's; ``mask_preds`` has probabilities (h, w, N) for each image."""
        cut = self.crop_mask_preds(mask_preds, batch_img_metas, results_list)
        for image, (probs, results, meta) in enumerate(zip(cut, results_list, batch_img_metas)):
            if len(results.bboxes) and len(probs):
                probs = self._resize(probs, results.bboxes, meta, rescale)
                results.masks = probs > self.test_cfg.mask_thr
                if self.test_cfg.mask_thr_binary < 0:  # mmdet's maps for debugging
                    results.masks = (results.masks * 255).to(torch.uint8)
            else:
                results, = empty_instances([meta], results.bboxes.device, 'mask', [results])
                probs = results.masks.float()
            results_list[image] = self.add_mask_scores(results, self.quality.measure(probs))
        return results_list

    @staticmethod
    def _resize(probs: Tensor, boxes: Tensor, meta: dict, rescale: bool) -> Tensor:
        """Maps (N, h, w) at the size of the file, to which the boxes are scaled in place, or of the network's input."""
        factors = boxes.new_tensor(meta['scale_factor'])
        height, width = meta['ori_shape'][:2]
        if rescale:
            boxes /= factors.repeat(1, 2)
        else:
            height, width = round(height * factors[1].item()), round(width * factors[0].item())
        return F.interpolate(probs[None], size=(height, width), mode='bilinear', align_corners=False)[0]

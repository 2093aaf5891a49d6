"""The part of a region-based parser that works on regions: boxes and classes as in mmdet, parsing in its mask slots.

    B images, N regions of all images, C classes, h, w size of a region's logits (128 × 128 in the paper).
"""
from typing import Any

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.functional.region_labels import crop_labels
from mmqanet.registry import MODELS


@MODELS.register_module()
class ParsingRoIHead(StandardRoIHead):
    """mmdet's RoI head whose masks are parsings.

    The box branch reads the levels that its extractor names, the parsing branch those of the extractor in the mask slot:
    with a single stride of 4 that is the finest level alone ("proposal separation sampling"). In training a box sample that
    is a person teaches the parsing branch, ``regions_per_image`` of them at most, chosen at random.

    Args:
        mask_head (dict): :class:`GeometricContextHead`, or a head with the same ``forward`` and ``loss``.
        rescoring_head (dict, optional): :class:`ParsingRescoringHead`; ``None`` predicts no IoU.
        regions_per_image (int, optional): most regions of an image that the parsing branch learns from; ``None`` for all.
        args, kwargs: of mmdet's ``StandardRoIHead``.
    """

    def __init__(self, *args: Any, rescoring_head: dict | None = None, regions_per_image: int | None = 16,
                 **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regions_per_image = regions_per_image
        self.rescoring_head = MODELS.build(rescoring_head) if rescoring_head else None

    def parse(self, levels: tuple[Tensor, ...], rois: Tensor) -> tuple[Tensor, Tensor | None]:
        """Parse regions.

        Args:
            levels: of the pyramid, each (B, D, ·, ·).
            rois: (N, 5) rows (index of the image, x1, y1, x2, y2) in input pixels.

        Returns:
            tuple: logits (N, C, h, w), and the raw predicted IoUs (N,) or ``None`` without a re-scoring head.
        """
        regions = self.mask_roi_extractor(levels[:self.mask_roi_extractor.num_inputs], rois)
        logits, feature = self.mask_head(regions)
        return logits, self.rescoring_head(feature, logits) if self.rescoring_head else None

    def mask_loss(self, x: tuple[Tensor, ...], sampling_results: list[SamplingResult], bbox_feats: Tensor,
                  batch_gt_instances: list[InstanceData]) -> dict:
        """Losses of the parsing branch; ``label_maps`` (M, H, W) of each image's instances holds the labels of its people.

        Without a positive box in the batch the loss is 0, on a region that counts for nothing: every process of a
        distributed training then has gradients for all parameters.
        """
        chosen = [self._choose(len(sampled.pos_priors), sampled.pos_priors.device) for sampled in sampling_results]
        boxes = [sampled.pos_priors[picked] for sampled, picked in zip(sampling_results, chosen)]
        rois = bbox2roi(boxes)
        if not len(rois):
            logits, iou = self.parse(x, x[0].new_tensor([[0, 0, 0, 31, 31]]))
            nothing = logits.sum() * 0
            losses = dict(loss_parsing=nothing)
            return dict(loss_mask=losses if iou is None else dict(losses, loss_iou=nothing + iou.sum() * 0))
        logits, iou = self.parse(x, rois)
        height, width = logits.shape[-2:]
        labels = torch.cat([
            crop_labels(people.label_maps, sampled.pos_assigned_gt_inds[picked], kept, size=(height, width))
            for people, sampled, picked, kept in zip(batch_gt_instances, sampling_results, chosen, boxes) if len(kept)])
        losses = self.mask_head.loss(logits, labels)
        if self.rescoring_head:
            losses.update(self.rescoring_head.loss(iou, logits, labels))
        return dict(loss_mask=losses)

    def _choose(self, number: int, device: torch.device) -> Tensor:
        """Which of an image's positive boxes are parsed, in random order where not all are."""
        if self.regions_per_image is None or number <= self.regions_per_image:
            return torch.arange(number, device=device)
        return torch.randperm(number)[:self.regions_per_image].to(device)

"""An FCOS head that takes ignored boxes neither for people nor for background.

Head and losses: Tian et al., "FCOS" (ICCV 2019), section 3, as mmdet computes them.

Letters: P points of all levels, N boxes of an image, C classes.
"""
from typing import Any

import torch
from mmdet.models.dense_heads import FCOSHead
from mmdet.models.losses import FocalLoss
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.registry import MODELS

IGNORED = -1


@MODELS.register_module()
class IgnoringFocalLoss(FocalLoss):
    """mmdet's focal loss, in which a target below 0 counts nowhere; arguments as there."""

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None, avg_factor: float | None = None,
                reduction_override: str | None = None) -> Tensor:
        """The loss of logits (P, C) and classes (P,) int64: in [0, C), or C for background, or below 0 for ignored."""
        counted = (target >= 0).to(pred.dtype)
        weight = counted if weight is None else weight * counted
        return super().forward(pred, target.where(target >= 0, pred.size(1)), weight, avg_factor, reduction_override)


@MODELS.register_module()
class IgnoringFCOSHead(FCOSHead):
    """mmdet's FCOS head, except that annotations to be ignored (``iscrowd`` 1) teach it nothing.

    mmdet's own head counts whoever is in them as background. Here a point that lies in an ignored box, and would be
    background, has no part in the classification loss. Points that learn a person do so as before, in ignored boxes as well.
    Weights and predictions are those of mmdet's head.

    Args:
        loss_cls (dict, optional): :class:`IgnoringFocalLoss`, the default, or a loss that leaves out targets below 0 too.
        args, kwargs: of ``FCOSHead``.
    """

    def __init__(self, *args: Any, loss_cls: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, loss_cls=loss_cls or dict(type='mmqanet.IgnoringFocalLoss', use_sigmoid=True), **kwargs)

    def loss_by_feat(self, cls_scores: list[Tensor], bbox_preds: list[Tensor], centernesses: list[Tensor],
                     batch_gt_instances: list[InstanceData], batch_img_metas: list[dict],
                     batch_gt_instances_ignore: list[InstanceData] | None = None) -> dict[str, Tensor]:
        """The losses of a batch; arguments as in mmdet."""
        for annotated, ignored in zip(batch_gt_instances, batch_gt_instances_ignore or ()):
            annotated.set_metainfo(dict(ignored_boxes=ignored.bboxes))
        return super().loss_by_feat(
            cls_scores, bbox_preds, centernesses, batch_gt_instances, batch_img_metas, batch_gt_instances_ignore)

    def _get_targets_single(self, gt_instances: InstanceData, points: Tensor, regress_ranges: Tensor,
                            num_points_per_lvl: list[int]) -> tuple[Tensor, Tensor]:
        """Labels (P,) and distances to the sides (P, 4), in pixels, of one image's points."""
        labels, distances = super()._get_targets_single(gt_instances, points, regress_ranges, num_points_per_lvl)
        ignored = gt_instances.get('ignored_boxes')
        if ignored is not None and len(ignored):
            doubtful = (labels == self.num_classes) & points_in_boxes(points, ignored)
            labels = labels.where(~doubtful, IGNORED)
        return labels, distances


def points_in_boxes(points: Tensor, boxes: Tensor) -> Tensor:
    """Whether each point (P, 2), x and y, lies in one of the boxes (N, 4) xyxy: (P,) bool."""
    offsets = torch.cat([points[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - points[:, None]], dim=-1)
    return (offsets >= 0).all(dim=-1).any(dim=1)

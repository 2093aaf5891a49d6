"""An FCOS head that learns nothing from the background of doubtful boxes.

Letters: P points of all levels, N boxes of an image, C classes.
"""
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
        """Logits (P, C) and classes (P,) in [0, C], C = background, or below 0 = ignored → loss."""
        counted = (target >= 0).to(pred.dtype)
        weight = counted if weight is None else weight * counted
        return super().forward(pred, target.where(target >= 0, pred.size(1)), weight, avg_factor, reduction_override)


@MODELS.register_module()
class IgnoringFCOSHead(FCOSHead):
    """mmdet's FCOS head, which minds the annotations to be ignored (``iscrowd``): mmdet's own counts their people as
    background. A point inside an ignored box, and of no other, takes part in no loss.

    Needs :class:`IgnoringFocalLoss` as ``loss_cls``, the default here. Other arguments, weights and predictions are mmdet's.
    """

    def __init__(self, *args, loss_cls: dict | None = None, **kwargs):
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
        """Labels (P,) and distances to the sides (P, 4) of one image's points."""
        labels, distances = super()._get_targets_single(gt_instances, points, regress_ranges, num_points_per_lvl)
        ignored = gt_instances.get('ignored_boxes')
        if ignored is not None and len(ignored):
            inside = points_in_boxes(points, ignored)
            labels = labels.where((labels != self.num_classes) | ~inside, IGNORED)
        return labels, distances


def points_in_boxes(points: Tensor, boxes: Tensor) -> Tensor:
    """Whether each point (P, 2), x and y, lies in one of the boxes (N, 4) xyxy: (P,) bool."""
    offsets = torch.cat([points[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - points[:, None]], dim=-1)
    return (offsets >= 0).all(dim=-1).any(dim=1)

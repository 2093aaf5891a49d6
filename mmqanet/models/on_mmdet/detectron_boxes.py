"""Boxes as Detectron counts them: a box names its first and its last pixel, so its width is x2 - x1 + 1.

Stands in for parts of mmdet whose arithmetic differs from that of the released region-based parsers. mmdet's own legacy
parts are not these: ``LegacyDeltaXYWHBBoxCoder`` decodes boxes half a pixel too wide on every side,
``LegacyAnchorGenerator`` is off by up to three pixels on anchors that are not square.

Letters: N boxes, M other boxes, G people of an image, A anchors of all levels of an image.
"""
import math
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.prior_generators import AnchorGenerator, anchor_inside_flags
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.registry import MODELS, TASK_UTILS

LARGEST_GROWTH = math.log(1000 / 16)  # a box grows at most by this factor's exponential


def box_sizes(boxes: Tensor) -> Tensor:
    """Widths and heights (..., 2) of boxes (..., 4) xyxy."""
    return boxes[..., 2:] - boxes[..., :2] + 1


@TASK_UTILS.register_module()
class DetectronAnchorGenerator(AnchorGenerator):
    """mmdet's anchors, shaped as in Detectron: sides are rounded on a window of one stride, then scaled."""

    def gen_single_level_base_anchors(self, base_size: float, scales: Tensor, ratios: Tensor,
                                      center: tuple[float, float] | None = None) -> Tensor:
        """Anchors (number of ratios · scales, 4) around the first cell of a level of stride ``base_size``."""
        widths = (base_size * base_size / ratios).sqrt().round()  # half to even, as numpy does
        sides = torch.stack([widths, (widths * ratios).round()], dim=1)
        sides = (sides[:, None] * scales[None, :, None]).reshape(-1, 2)
        middle = (base_size - 1) / 2
        return torch.cat([middle - (sides - 1) / 2, middle + (sides - 1) / 2], dim=1)


@TASK_UTILS.register_module()
class DetectronBoxCoder(DeltaXYWHBBoxCoder):
    """Offsets and logarithms of growth between boxes; arguments as in mmdet's ``DeltaXYWHBBoxCoder``."""

    def encode(self, bboxes: Tensor, gt_bboxes: Tensor) -> Tensor:
        """Boxes (N, 4) and their targets (N, 4) → deltas (N, 4)."""
        sizes, targets = box_sizes(bboxes), box_sizes(gt_bboxes)
        shift = (gt_bboxes[:, :2] + targets / 2 - bboxes[:, :2] - sizes / 2) / sizes
        deltas = torch.cat([shift, (targets / sizes).log()], dim=1)
        return (deltas - deltas.new_tensor(self.means)) / deltas.new_tensor(self.stds)

    def decode(self, bboxes: Tensor, pred_bboxes: Tensor, max_shape: Sequence[int] | None = None,
               wh_ratio_clip: float | None = None) -> Tensor:
        """Boxes (N, 4) and deltas (N, 4) → boxes (N, 4) inside an image of ``max_shape`` (H, W)."""
        deltas = pred_bboxes * pred_bboxes.new_tensor(self.stds) + pred_bboxes.new_tensor(self.means)
        sizes = box_sizes(bboxes)
        centres = bboxes[:, :2] + sizes / 2 + deltas[:, :2] * sizes
        grown = deltas[:, 2:].clamp(max=LARGEST_GROWTH).exp() * sizes
        decoded = torch.cat([centres - grown / 2, centres + grown / 2 - 1], dim=1)
        if max_shape is not None and self.clip_border:
            last = decoded.new_tensor([max_shape[1] - 1, max_shape[0] - 1] * 2)
            decoded = decoded.clamp(min=0).minimum(last)
        return decoded


@TASK_UTILS.register_module()
class DetectronOverlaps:
    """Calculates the IoU of every box with every other one."""

    def __call__(self, bboxes1: Tensor, bboxes2: Tensor, mode: str = 'iou', is_aligned: bool = False) -> Tensor:
        """Boxes (N, 4) and (M, 4) → IoUs (N, M) in [0, 1]."""
        if mode != 'iou' or is_aligned:
            raise NotImplementedError('only the IoU of all pairs is calculated')
        first, second = bboxes1[:, None], bboxes2[None]
        corners = torch.cat([first[..., :2].maximum(second[..., :2]), first[..., 2:].minimum(second[..., 2:])], dim=-1)
        common = box_sizes(corners).clamp(min=0).prod(-1)
        return common / (box_sizes(first).prod(-1) + box_sizes(second).prod(-1) - common)


@TASK_UTILS.register_module()
class DetectronAssigner(MaxIoUAssigner):
    """Assigns each box to the person that it overlaps best; arguments as in mmdet's ``MaxIoUAssigner``.

    With ``match_low_quality`` the boxes that a person overlaps best are positive whatever their IoU, as in mmdet, but each
    belongs to the person that *it* overlaps best. ``min_pos_iou`` has no say.
    """

    def __init__(self, *args: Any, iou_calculator: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, iou_calculator=iou_calculator or dict(type='mmqanet.DetectronOverlaps'), **kwargs)

    def assign_wrt_overlaps(self, overlaps: Tensor, gt_labels: Tensor) -> AssignResult:
        """The assignment by the IoUs (G, N) of people with boxes."""
        if not overlaps.numel():
            return super().assign_wrt_overlaps(overlaps, gt_labels)
        best, nearest = overlaps.max(dim=0)
        positive = best >= self.pos_iou_thr
        if self.match_low_quality:
            highest = overlaps.amax(dim=1, keepdim=True)
            positive |= ((overlaps == highest) & (highest > 0)).any(dim=0)
        gt_inds = torch.full_like(nearest, -1)
        gt_inds[best < self.neg_iou_thr] = 0
        gt_inds[positive] = nearest[positive] + 1
        labels = gt_labels[nearest].where(positive, torch.full_like(nearest, -1))
        return AssignResult(num_gts=len(overlaps), gt_inds=gt_inds, max_overlaps=best, labels=labels)


@MODELS.register_module()
class DetectronRPNHead(RPNHead):
    """mmdet's region proposals, except that a person's best anchor is sought among all: where that one crosses the border of
    the image, the next best is not taken for it."""

    def _get_targets_single(self, flat_anchors: Tensor, valid_flags: Tensor, gt_instances: InstanceData, img_meta: dict,
                            gt_instances_ignore: InstanceData | None = None, unmap_outputs: bool = True) -> tuple:
        """Targets of the A anchors (A, 4) of one image; arguments and results as in mmdet."""
        anchors = InstanceData(priors=flat_anchors)
        assigned = self.assigner.assign(anchors, gt_instances, gt_instances_ignore)
        inside = anchor_inside_flags(flat_anchors, valid_flags, img_meta['img_shape'][:2], self.train_cfg['allowed_border'])
        assigned.gt_inds[~inside] = -1
        sampled = self.sampler.sample(assigned, anchors, gt_instances)
        positive, negative = sampled.pos_inds, sampled.neg_inds
        sampled.avg_factor = len(positive) + len(negative)  # mmdet counts none as one
        labels = torch.full((len(flat_anchors),), self.num_classes, device=flat_anchors.device)
        label_weights, targets = torch.zeros_like(flat_anchors[:, 0]), torch.zeros_like(flat_anchors)
        labels[positive] = 0
        label_weights[positive] = label_weights[negative] = 1
        targets[positive] = self.bbox_coder.encode(sampled.pos_priors, sampled.pos_gt_bboxes)
        weights = torch.zeros_like(targets)
        weights[positive] = 1
        return labels, label_weights, targets, weights, positive, negative, sampled


@MODELS.register_module()
class DetectronRoIExtractor(SingleRoIExtractor):
    """mmdet's extractor of RoI features, with Detectron's choice of the pyramid level."""

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """RoIs (N, 5) → levels (N,) int64: the finest for those below ``2 * finest_scale`` pixels a side."""
        coarsest = math.log2(224 / self.finest_scale)
        scale = box_sizes(rois[:, 1:]).prod(-1).sqrt()
        return torch.floor(coarsest + torch.log2(scale / 224 + 1e-6)).clamp(0, num_levels - 1).long()

    def forward(self, feats: tuple[Tensor, ...], rois: Tensor, roi_scale_factor: float | None = None) -> Tensor:
        """Levels (B, C, h_l, w_l) and RoIs (N, 5) → (N, C, size, size). RoIAlign reads the memory of every map as NCHW."""
        return super().forward(tuple(level.contiguous() for level in feats), rois, roi_scale_factor)

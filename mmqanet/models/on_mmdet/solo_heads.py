"""Heads of SOLO: masks at the stride of a feature map, pruned by matrix NMS, resized to the image.

    P candidates (a cell of a grid and a class), N detections left of them, C classes, K cells of all levels,
    h, w size of the feature map, H, W size of the image.
"""
from collections.abc import Sequence

import torch
from mmdet.models.dense_heads import DecoupledSOLOHead, DecoupledSOLOLightHead, SOLOHead, SOLOV2Head
from mmdet.models.layers import mask_matrix_nms
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

from mmqanet.functional.mask_quality import MaskStatistics
from mmqanet.models.on_mmdet.quality_aware_head import QualityAwareHead
from mmqanet.registry import MODELS


class QualityAwareSOLOMixin(QualityAwareHead):
    """Scores the masks that non-maximum suppression left, at the size of the image.

    The final score of SOLO is class score × maskness (the mean probability inside the mask) × decay. ``box_score='class'``
    divides maskness out again; ``'pixel'`` takes the pixel score at the stride of the feature map in its place.
    """

    box_scores = ('final', 'class', 'pixel')
    mask_stride = 4  # of the feature map that masks are predicted on
    num_grids: Sequence[int]  # cells along a side, of each level
    strides: Sequence[int]

    def _candidates(self, cls_scores: Tensor, cfg: ConfigDict) -> tuple[Tensor, Tensor, Tensor]:
        """Scores (P,), cells (P,) and labels (P,) of what scores above the threshold, from (K, C)."""
        above = cls_scores > cfg.score_thr
        cells, labels = above.nonzero().T
        return cls_scores[above], cells, labels

    def _segment(self, probs: Tensor, scores: Tensor, cells: Tensor, labels: Tensor, meta: dict,
                 cfg: ConfigDict) -> InstanceData:
        """The detections among candidates with maps (P, h, w)."""
        masks = probs > cfg.mask_thr
        areas = masks.sum((1, 2)).float()
        large = areas > self._cell_strides(scores)[cells]
        if not large.any():
            return self._nothing(scores, meta)
        probs, masks, areas, scores, labels = (part[large] for part in (probs, masks, areas, scores, labels))
        maskness = self._maskness(probs, masks, areas)
        scores *= maskness  # in place: half precision stays what it is
        scores, labels, _, kept = mask_matrix_nms(
            masks, labels, scores, mask_area=areas, nms_pre=cfg.nms_pre, max_num=cfg.max_per_img,
            kernel=cfg.kernel, sigma=cfg.sigma, filter_thr=cfg.filter_thr)
        if not len(kept):
            return self._nothing(scores, meta)
        probs, maskness = probs[kept], maskness[kept]  # those of the other candidates are freed
        probs = self._resize(probs, meta)
        results = InstanceData(
            masks=probs > cfg.mask_thr, labels=labels, scores=scores, bboxes=scores.new_zeros(len(scores), 4))
        return self._add_scores(results, self.quality.measure(probs), maskness)

    def _add_scores(self, results: InstanceData, statistics: MaskStatistics, maskness: Tensor) -> InstanceData:
        box = results.scores / maskness if self.quality.box_score == 'class' else results.scores
        results = self.add_mask_scores(results, statistics, box=box)
        if self.quality.box_score == 'pixel':  # the score is a quality already
            results.mask_scores = results.scores.float()
        return results

    def _maskness(self, probs: Tensor, masks: Tensor, areas: Tensor) -> Tensor:
        if self.quality.box_score == 'pixel':
            return self.quality.pixel_scores(self.quality.measure(probs)).to(probs)
        return (probs * masks).sum((1, 2)) / areas

    def _cell_strides(self, like: Tensor) -> Tensor:
        """(K,) stride of the level of each cell."""
        cells = [grid * grid for grid in self.num_grids]
        return torch.cat([like.new_full((number,), stride) for number, stride in zip(cells, self.strides)])

    def _resize(self, probs: Tensor, meta: dict) -> Tensor:
        """Maps (N, h, w) at the size of the image (N, H, W), through that of the network's input without its padding."""
        height, width = meta['img_shape'][:2]
        size = [side * self.mask_stride for side in probs.shape[-2:]]
        probs = F.interpolate(probs[None], size=size, mode='bilinear', align_corners=False)[:, :, :height, :width]
        return F.interpolate(probs, size=meta['ori_shape'][:2], mode='bilinear', align_corners=False)[0]

    def _nothing(self, scores: Tensor, meta: dict) -> InstanceData:
        """An image without detections, in mmdet's dtypes."""
        masks = scores.new_zeros(0, *meta['ori_shape'][:2])
        results = InstanceData(
            scores=scores.new_ones(0), masks=masks, labels=scores.new_ones(0), bboxes=scores.new_zeros(0, 4))
        return self.add_mask_scores(results, self.quality.measure(masks))


@MODELS.register_module()
class QualityAwareSOLOHead(QualityAwareSOLOMixin, SOLOHead):
    """SOLO."""

    def _predict_by_feat_single(self, cls_scores: Tensor, mask_preds: Tensor, img_meta: dict,
                                cfg: ConfigDict | None = None) -> InstanceData:
        cfg = cfg or self.test_cfg
        scores, cells, labels = self._candidates(cls_scores, cfg)
        if not len(scores):
            return self._nothing(scores, img_meta)
        return self._segment(mask_preds[cells], scores, cells, labels, img_meta, cfg)


class QualityAwareDecoupledMixin(QualityAwareSOLOMixin):
    """The map of a cell is the product of the map of its row and the map of its column."""

    def _predict_by_feat_single(self, cls_scores: Tensor, mask_preds_x: Tensor, mask_preds_y: Tensor, img_meta: dict,
                                cfg: ConfigDict | None = None) -> InstanceData:
        cfg = cfg or self.test_cfg
        scores, cells, labels = self._candidates(cls_scores, cfg)
        if not len(scores):
            return self._nothing(scores, img_meta)
        columns, rows = self._grid_lines(cells.device)
        return self._segment(
            mask_preds_x[columns[cells]] * mask_preds_y[rows[cells]], scores, cells, labels, img_meta, cfg)

    def _grid_lines(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """(K,) the column and (K,) the row of each cell, counted on through the levels."""
        columns, rows, start = [], [], 0
        for grid in self.num_grids:
            lines = torch.arange(start, start + grid, device=device)
            columns.append(lines.repeat(grid))
            rows.append(lines.repeat_interleave(grid))
            start += grid
        return torch.cat(columns), torch.cat(rows)


@MODELS.register_module()
class QualityAwareDecoupledSOLOHead(QualityAwareDecoupledMixin, DecoupledSOLOHead):
    """Decoupled SOLO."""


@MODELS.register_module()
class QualityAwareDecoupledSOLOLightHead(QualityAwareDecoupledMixin, DecoupledSOLOLightHead):
    """Decoupled SOLO, light."""


@MODELS.register_module()
class QualityAwareSOLOV2Head(QualityAwareSOLOMixin, SOLOV2Head):
    """SOLOv2: the map of a candidate is a convolution of the mask feature with its own kernel."""

    def _predict_by_feat_single(self, kernel_preds: Tensor, cls_scores: Tensor, mask_feats: Tensor, img_meta: dict,
                                cfg: ConfigDict | None = None) -> InstanceData:
        cfg = cfg or self.test_cfg
        scores, cells, labels = self._candidates(cls_scores, cfg)
        if not len(scores):
            return self._nothing(scores, img_meta)
        size = self.dynamic_conv_size
        kernels = kernel_preds[cells].view(len(cells), -1, size, size)
        return self._segment(F.conv2d(mask_feats, kernels).squeeze(0).sigmoid(), scores, cells, labels, img_meta, cfg)

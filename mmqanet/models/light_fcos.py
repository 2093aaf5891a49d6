"""FCOS for inference on plain torch: the weights and the boxes of mmdet's, without mmdet and without compiled operators.

Network and scores: Tian et al., "FCOS" (ICCV 2019), sections 3.1-3.3, as mmdet's ``FCOS`` runs it with normalized
regression and centerness beside it; feature pyramid: Lin et al., "Feature Pyramid Networks" (CVPR 2017), section 3.

Letters: B images, N boxes, H, W height and width of the images.
"""
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from mmcv.cnn import ConvModule, Scale
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.registry import MODELS

# What decides on the boxes of a config of mmdet, part by part: other entries than these, and those that only training
# reads, could change the result unnoticed.
_ENTRIES = dict(
    data_preprocessor={'mean', 'std', 'bgr_to_rgb', 'pad_size_divisor'},
    neck={'in_channels', 'out_channels', 'num_outs', 'norm_cfg'},
    bbox_head={'num_classes', 'in_channels', 'feat_channels', 'stacked_convs', 'norm_cfg', 'strides', 'norm_on_bbox',
               'centerness_on_reg'},
    test_cfg={'nms_pre', 'min_bbox_size', 'score_thr', 'nms', 'max_per_img'},
)
_TYPES = dict(data_preprocessor='DetDataPreprocessor', neck='FPN', bbox_head='FCOSHead')
_TRAINING = {'type', 'init_cfg', 'regress_ranges', 'center_sampling', 'center_sample_radius', 'loss_cls', 'loss_bbox',
             'loss_centerness'}


def is_light_fcos(cfg: Mapping) -> bool:
    """Whether a detector's config is one that :class:`LightFCOS` computes exactly: a backbone of mmqanet, an FPN without
    extra levels, one class, group norm, normalized regression."""
    parts = {name: cfg.get(name) or {} for name in _ENTRIES}
    if (cfg.get('type') != 'FCOS' or not str(cfg['backbone']['type']).startswith('mmqanet.')
            or any(parts[name].get('type') != kind for name, kind in _TYPES.items())
            or any(parts[name].keys() - _TRAINING != entries for name, entries in _ENTRIES.items())):
        return False
    neck, head, test = parts['neck'], parts['bbox_head'], parts['test_cfg']
    return bool(
        neck['num_outs'] == len(neck['in_channels']) == len(head['strides']) and head['num_classes'] == 1
        and head['norm_on_bbox'] and head['centerness_on_reg'] and parts['data_preprocessor']['bgr_to_rgb']
        and neck['norm_cfg']['type'] == head['norm_cfg']['type'] == 'GN'
        and test['nms'].keys() == {'type', 'iou_threshold'} and test['nms']['type'] == 'nms')


class LightFCOS(nn.Module):
    """A person detector from a config of mmdet for which :func:`is_light_fcos` holds; its weights have mmdet's names.

    Args:
        cfg: the config's ``model``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, cfg: Mapping[str, Any]):
        super().__init__()
        preprocessor, head = cfg['data_preprocessor'], cfg['bbox_head']
        self.register_buffer('mean', torch.tensor(preprocessor['mean']).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(preprocessor['std']).view(3, 1, 1), persistent=False)
        self.divisor, self.strides, self.test_cfg = preprocessor['pad_size_divisor'], head['strides'], cfg['test_cfg']
        backbone = {**cfg['backbone'], 'type': cfg['backbone']['type'].removeprefix('mmqanet.'), 'init_cfg': None}
        self.backbone = MODELS.build(backbone)
        self.neck = _FPN(cfg['neck'])
        self.bbox_head = _Head(head)

    def test_step(self, data: Mapping[str, Sequence]) -> list[SimpleNamespace]:
        """Find people in images of one size.

        Args:
            data: ``inputs``, B tensors (3, H, W) uint8 BGR; ``scale_factor``, B arrays (x, y): how many pixels of an image
                there are to one of the original.

        Returns:
            list: for each image ``pred_instances`` with ``bboxes`` (N, 4) float32 xyxy in pixels of the original,
            ``scores`` (N,) float32 in [0, 1], descending, and ``labels`` (N,) int64, all 0.
        """
        images = torch.stack(list(data['inputs'])).to(self.mean.device)
        height, width = images.shape[-2:]
        images = (images.flip(1).float() - self.mean) / self.std
        images = F.pad(images, (0, -width % self.divisor, 0, -height % self.divisor))
        levels = self.bbox_head(self.neck(self.backbone(images)))
        results = []
        for index, scale in enumerate(data['scale_factor']):
            boxes, scores = self._decode([tuple(part[index] for part in level) for level in levels], (width, height))
            boxes = boxes / boxes.new_tensor([*scale, *scale])
            boxes, scores = self._select(boxes, scores)
            labels = torch.zeros(len(scores), dtype=torch.long, device=scores.device)
            results.append(SimpleNamespace(pred_instances=SimpleNamespace(bboxes=boxes, scores=scores, labels=labels)))
        return results

    def _decode(self, levels: Sequence[tuple[Tensor, ...]], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The candidates of one image: boxes (N, 4) within ``size`` (W, H), and scores (N,)."""
        all_boxes, all_scores = [], []
        for stride, (logits, extents, centerness) in zip(self.strides, levels):
            scores = logits.flatten().sigmoid()
            order = scores.argsort(descending=True, stable=True)[:self.test_cfg['nms_pre']]
            order = order[scores[order] > self.test_cfg['score_thr']]
            columns = logits.shape[-1]
            centres = (torch.stack([order % columns, order // columns], dim=1) + 0.5) * stride
            left_top, right_bottom = (extents.flatten(1).T[order] * stride).split(2, dim=1)
            all_boxes.append(torch.cat([centres - left_top, centres + right_bottom], dim=1))
            all_scores.append(scores[order] * centerness.flatten()[order].sigmoid())
        limits = all_boxes[0].new_tensor([*size, *size])
        return torch.cat(all_boxes).clamp(min=0).minimum(limits), torch.cat(all_scores)

    def _select(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        large = (boxes[:, 2:] - boxes[:, :2] > self.test_cfg['min_bbox_size']).all(dim=1)
        boxes, scores = boxes[large], scores[large]
        kept = suppress(boxes, scores, self.test_cfg['nms']['iou_threshold'])[:self.test_cfg['max_per_img']]
        return boxes[kept], scores[kept]


class _FPN(nn.Module):
    """One feature map of ``out_channels`` for each of the backbone, coarser ones added to finer ones."""

    def __init__(self, cfg: Mapping[str, Any]):
        super().__init__()
        channels, style = cfg['out_channels'], dict(norm_cfg=cfg['norm_cfg'], act_cfg=None)
        self.lateral_convs = nn.ModuleList(ConvModule(wide, channels, 1, **style) for wide in cfg['in_channels'])
        self.fpn_convs = nn.ModuleList(ConvModule(channels, channels, 3, padding=1, **style) for _ in cfg['in_channels'])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        maps = [lateral(feature) for lateral, feature in zip(self.lateral_convs, features)]
        for finer in reversed(range(len(maps) - 1)):
            maps[finer] = maps[finer] + F.interpolate(maps[finer + 1], size=maps[finer].shape[-2:])
        return [smooth(feature) for smooth, feature in zip(self.fpn_convs, maps)]


class _Head(nn.Module):
    """Score, extents to the four sides in strides, and centerness of every place of every level."""

    def __init__(self, cfg: Mapping[str, Any]):
        super().__init__()
        wide, style = cfg['feat_channels'], dict(padding=1, norm_cfg=cfg['norm_cfg'])
        self.cls_convs, self.reg_convs = (
            nn.Sequential(*(ConvModule(wide if i else cfg['in_channels'], wide, 3, **style)
                            for i in range(cfg['stacked_convs']))) for _ in range(2))
        self.conv_cls, self.conv_reg, self.conv_centerness = (nn.Conv2d(wide, n, 3, padding=1) for n in (1, 4, 1))
        self.scales = nn.ModuleList(Scale() for _ in cfg['strides'])

    def forward(self, maps: Sequence[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
        outs = []
        for scale, feature in zip(self.scales, maps):
            place = self.reg_convs(feature)
            logits = self.conv_cls(self.cls_convs(feature))
            outs.append((logits, scale(self.conv_reg(place)).clamp(min=0), self.conv_centerness(place)))
        return outs


def suppress(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedy non-maximum suppression: indices (M,) of the boxes (N, 4) xyxy that overlap no better one by an IoU above the
    threshold, best first."""
    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order]
    corner = torch.maximum(boxes[:, None, :2], boxes[:, :2])
    shared = (torch.minimum(boxes[:, None, 2:], boxes[:, 2:]) - corner).clamp(min=0).prod(dim=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    rivals = (shared > iou_threshold * (areas[:, None] + areas - shared)).cpu().numpy()
    alive = torch.ones(len(boxes), dtype=torch.bool)
    for index in range(len(boxes)):
        if alive[index]:
            alive[index + 1:] &= torch.from_numpy(~rivals[index, index + 1:])
    return order[alive.to(order.device)]

"""FCOS for inference on plain torch: the weights and the boxes of mmdet's, without mmdet and without compiled operators.

Network and scores: Tian et al., "FCOS" (ICCV 2019), sections 3.1-3.3, as mmdet's ``FCOS`` runs it with normalized
regression and centerness beside it; feature pyramid: Lin et al., "Feature Pyramid Networks" (CVPR 2017), section 3.

Letters: B images, K places of the network, N boxes, H, W height and width of the images.
"""
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from mmcv.cnn import ConvModule, Scale
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.registry import MODELS
from mmqanet.utils.threads import parallel_map

Predictions = tuple[Tensor, Tensor, Tensor, Tensor]  # boxes, classness, centerness and level of every place

# What decides on the boxes in a config of mmdet, part by part. All of it must be given and nothing else, but for what only
# training reads: mmdet's defaults are other than these, and another entry could change the boxes unnoticed.
_ENTRIES = dict(
    data_preprocessor={'mean', 'std', 'bgr_to_rgb', 'pad_size_divisor'},
    neck={'in_channels', 'out_channels', 'num_outs', 'norm_cfg'},
    bbox_head={'num_classes', 'in_channels', 'feat_channels', 'stacked_convs', 'norm_cfg', 'strides', 'norm_on_bbox',
               'centerness_on_reg'},
    test_cfg={'nms_pre', 'min_bbox_size', 'score_thr', 'nms', 'max_per_img'},
)
_TYPES: dict[str, set[str | None]] = dict(
    data_preprocessor={'DetDataPreprocessor'}, neck={'FPN'}, bbox_head={'FCOSHead', 'mmqanet.IgnoringFCOSHead'},
    test_cfg={None})
_TRAINING = {'type', 'init_cfg', 'regress_ranges', 'center_sampling', 'center_sample_radius', 'loss_bbox', 'loss_centerness'}


def is_light_fcos(cfg: Mapping) -> bool:
    """Whether a detector's config is one that :class:`LightFCOS` computes exactly: a backbone of mmqanet, an FPN without
    extra levels, one class, group norm, normalized regression, centerness beside it, plain suppression."""
    if cfg.get('type') != 'FCOS' or not str(cfg['backbone']['type']).startswith('mmqanet.'):
        return False
    parts = {name: cfg.get(name) or {} for name in _ENTRIES}
    if any(part.get('type') not in _TYPES[name] or part.keys() - _TRAINING != _ENTRIES[name]
           for name, part in parts.items()):
        return False
    preprocessor, neck, head, test = parts.values()
    suppression = test['nms'] or {}
    return bool(
        len(preprocessor['mean'] or ()) == len(preprocessor['std'] or ()) == 3 and preprocessor['bgr_to_rgb']
        and neck['num_outs'] == len(neck['in_channels']) == len(head['strides'])
        and all((part['norm_cfg'] or {}).get('type') == 'GN' for part in (neck, head))
        and head['num_classes'] == 1 and head['norm_on_bbox'] and head['centerness_on_reg']
        and test['nms_pre'] > 0 and suppression.get('type') == 'nms' and suppression.keys() == {'type', 'iou_threshold'})


class LightFCOS(nn.Module):
    """A person detector from a config of mmdet for which :func:`is_light_fcos` holds; its weights have mmdet's names.

    Args:
        cfg: the config's ``model``.

    Attributes:
        runner (Callable, optional): what computes :meth:`predictions_at` in place of this network, of one RGB image
            (3, H, W) uint8 without padding: boxes (K, 4), classness, centerness and levels (K,). Set by
            :func:`mmqanet.deployment.backends.use_detector_backend`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        preprocessor, head = cfg['data_preprocessor'], cfg['bbox_head']
        self.runner: Callable[[Tensor], Predictions] | None = None
        self.register_buffer('mean', torch.tensor(preprocessor['mean']).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(preprocessor['std']).view(3, 1, 1), persistent=False)
        self.divisor, self.strides, self.test_cfg = preprocessor['pad_size_divisor'], head['strides'], cfg['test_cfg']
        self.backbone = MODELS.build({**cfg['backbone'], 'init_cfg': None})
        self.neck = _FPN(**{key: cfg['neck'][key] for key in ('in_channels', 'out_channels', 'norm_cfg')})
        self.bbox_head = _Head(num_levels=len(self.strides), **{
            key: head[key] for key in ('in_channels', 'feat_channels', 'stacked_convs', 'norm_cfg')})

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.mean.device

    def test_step(self, data: Mapping[str, Sequence]) -> list[SimpleNamespace]:
        """Find people in images of one size.

        Args:
            data: ``inputs``, B tensors (3, H, W) uint8 BGR; ``scale_factor``, B arrays (x, y): how many pixels of an image
                there are to one of the original.

        Returns:
            list: for each image ``pred_instances`` with ``bboxes`` (N, 4) float32 xyxy in pixels of the original,
            ``scores`` (N,) float32 in [0, 1], descending, and ``labels`` (N,) int64, all 0.
        """
        images = torch.stack(list(data['inputs'])).flip(1)
        predictions = map(self.runner, images) if self.runner else self._predictions_of_each(images.to(self.device))
        results = []
        for predicted, scale in zip(predictions, data['scale_factor'], strict=True):
            boxes, scores = self._candidates(*predicted)
            boxes, scores = self._select(boxes / boxes.new_tensor([*scale, *scale]), scores)
            labels = torch.zeros(len(scores), dtype=torch.long, device=scores.device)
            results.append(SimpleNamespace(pred_instances=SimpleNamespace(bboxes=boxes, scores=scores, labels=labels)))
        return results

    def _predictions_of_each(self, images: Tensor) -> Iterable[Predictions]:
        """:meth:`predictions_at` of each of RGB images (B, 3, H, W) uint8. On a CPU each image passes on one thread,
        where there are enough for all threads: sharing its operations takes longer."""
        if self.device.type != 'cpu' or len(images) < torch.get_num_threads():
            return zip(*self.predictions(images))

        @torch.no_grad()
        def predictions_of(image: Tensor) -> Predictions:
            boxes, classness, centerness, levels = self.predictions(image[None])
            return boxes[0], classness[0], centerness[0], levels[0]

        return parallel_map(predictions_of, images)

    def predictions(self, images: Tensor) -> Predictions:
        """:meth:`predictions_at` of RGB images (B, 3, H, W) uint8, without padding, on the device of the network."""
        height, width = images.shape[-2:]
        images = (images.float() - self.mean) / self.std
        return self.predictions_at(self.padded(images), images.new_tensor([width, height]))

    def padded(self, images: Tensor) -> Tensor:
        """Images (..., H, W) with zeros on the right and below, up to multiples of the divisor."""
        height, width = images.shape[-2:]
        return F.pad(images, (0, -width % self.divisor, 0, -height % self.divisor))

    def predictions_at(self, images: Tensor, size: Tensor) -> Predictions:
        """What the network says at each of its K places.

        Args:
            images: (B, 3, H', W'), normalized and padded with zeros to multiples of the divisor.
            size: (2,) float32, width and height without the padding.

        Returns:
            tuple: boxes (B, K, 4) xyxy within the size, classness and centerness (B, K) in [0, 1], all float32, and the
            level of the pyramid (B, K) int64.
        """
        boxes, classness, centerness, numbers = [], [], [], []
        levels = self.bbox_head(self.neck(self.backbone(images)))
        for number, (stride, (logits, ltrb, centerness_logits)) in enumerate(zip(self.strides, levels)):
            height, width = logits.shape[-2:]
            rows = ((torch.arange(height, device=size.device) + 0.5) * stride)[:, None].expand(height, width).reshape(-1)
            columns = ((torch.arange(width, device=size.device) + 0.5) * stride)[None].expand(height, width).reshape(-1)
            left, top, right, bottom = (ltrb * stride).flatten(2).unbind(1)
            corners = torch.stack([columns - left, rows - top, columns + right, rows + bottom], dim=2)
            boxes.append(corners.clamp(min=0).minimum(size.repeat(2)))
            classness.append(logits.flatten(1).sigmoid())
            centerness.append(centerness_logits.flatten(1).sigmoid())
            numbers.append(torch.full_like(classness[-1], number, dtype=torch.int64))
        return torch.cat(boxes, dim=1), torch.cat(classness, dim=1), torch.cat(centerness, dim=1), torch.cat(numbers, dim=1)

    def _candidates(self, boxes: Tensor, classness: Tensor, centerness: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """The best places of every level of one image: boxes (N, 4) of (K, 4) and scores (N,)."""
        kept = []
        for level in range(len(self.strides)):
            places = (levels == level).nonzero()[:, 0]
            places = places[classness[places].argsort(descending=True, stable=True)[:self.test_cfg['nms_pre']]]
            kept.append(places[classness[places] > self.test_cfg['score_thr']])
        order = torch.cat(kept)
        return boxes[order], classness[order] * centerness[order]

    def _select(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        large = (boxes[:, 2:] - boxes[:, :2] > self.test_cfg['min_bbox_size']).all(dim=1)
        boxes, scores = boxes[large], scores[large]
        kept = suppress(boxes, scores, self.test_cfg['nms']['iou_threshold'])[:self.test_cfg['max_per_img']]
        return boxes[kept], scores[kept]


class _FPN(nn.Module):
    """One feature map of ``out_channels`` for each of the backbone, coarser ones added to finer ones."""

    def __init__(self, *, in_channels: Sequence[int], out_channels: int, norm_cfg: dict) -> None:
        super().__init__()
        style = dict(norm_cfg=norm_cfg, act_cfg=None)
        self.lateral_convs = nn.ModuleList(ConvModule(wide, out_channels, 1, **style) for wide in in_channels)
        self.fpn_convs = nn.ModuleList(
            ConvModule(out_channels, out_channels, 3, padding=1, **style) for _ in in_channels)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        maps = [lateral(feature) for lateral, feature in zip(self.lateral_convs, features, strict=True)]
        for finer in reversed(range(len(maps) - 1)):
            maps[finer] = maps[finer] + F.interpolate(maps[finer + 1], size=maps[finer].shape[-2:])
        return [smooth(feature) for smooth, feature in zip(self.fpn_convs, maps)]


class _Head(nn.Module):
    """Of every place of every level: score, distances to the left, top, right and bottom side in strides, centerness."""

    def __init__(self, *, in_channels: int, feat_channels: int, stacked_convs: int, num_levels: int, norm_cfg: dict) -> None:
        super().__init__()
        self.cls_convs, self.reg_convs = (
            nn.Sequential(*(ConvModule(feat_channels if i else in_channels, feat_channels, 3, padding=1, norm_cfg=norm_cfg)
                            for i in range(stacked_convs))) for _ in range(2))
        self.conv_cls, self.conv_reg, self.conv_centerness = (
            nn.Conv2d(feat_channels, outputs, 3, padding=1) for outputs in (1, 4, 1))
        self.scales = nn.ModuleList(Scale() for _ in range(num_levels))

    def forward(self, maps: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        outs = []
        for scale, feature in zip(self.scales, maps, strict=True):
            place = self.reg_convs(feature)
            ltrb = scale(self.conv_reg(place)).clamp(min=0)
            outputs = self.conv_cls(self.cls_convs(feature)), ltrb, self.conv_centerness(place)
            outs.append(tuple(output.float() for output in outputs))  # half precision would round to whole pixels
        return outs


def suppress(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedy non-maximum suppression: indices (M,) of the boxes (N, 4) xyxy that overlap no better one by an IoU above the
    threshold, best first."""
    order = scores.argsort(descending=True, stable=True)
    corners = np.asarray(boxes[order].cpu())
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    alive = np.ones(len(corners), bool)
    for index in range(len(corners)):
        if not alive[index]:
            continue
        best, rest = corners[index], corners[index + 1:]
        shared = (np.minimum(best[2:], rest[:, 2:]) - np.maximum(best[:2], rest[:, :2])).clip(0).prod(axis=1)
        alive[index + 1:] &= shared <= iou_threshold * (areas[index] + areas[index + 1:] - shared)
    return order[torch.from_numpy(alive).to(order.device)]

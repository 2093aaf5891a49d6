"""The head of dense pose: a coarse part, a chart and its coordinates U and V for every pixel, with their losses.

    B crops, P annotated points of all crops, h, w size of the network input; 15 coarse parts and 25 charts, background
    included.
"""
from dataclasses import dataclass

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.charts import CHARTS, PARTS
from mmqanet.functional.point_sampling import on_the_map, sample_points
from mmqanet.models.heads.gce_head import GeometricContext
from mmqanet.registry import MODELS

SLOTS = 196  # points that the release keeps of a person


@dataclass(frozen=True)
class AnnotatedPoints:
    """The annotated points of a batch of crops.

    Attributes:
        image_index (Tensor): (P,) int64 in [0, B), the crop of each.
        xy (Tensor): (P, 2) float32, in the crop, as indices of pixels.
        charts (Tensor): (P,) int64, 1 to 24.
        uv (Tensor): (P, 2) float32 in [0, 1].
    """

    image_index: Tensor
    xy: Tensor
    charts: Tensor
    uv: Tensor

    def on_maps(self, size: tuple[int, int]) -> 'AnnotatedPoints':
        """Those that lie on maps of (h, w)."""
        inside = on_the_map(self.xy, size)
        return AnnotatedPoints(self.image_index[inside], self.xy[inside], self.charts[inside], self.uv[inside])


@MODELS.register_module()
class UVHead(BaseModule):
    """Four transposed convolutions ×2 and bilinear ×2: coarse parts, charts, U and V (the release's ``UV.Output``).

    U and V have one channel a chart, linear and unbounded; that of the background is never trained. The losses are
    cross-entropy of the parts over all pixels, cross-entropy of the charts at the annotated points, and smooth L1 of U and V
    at the points, in the channel of the annotated chart, summed over the points of a batch.

    Args:
        in_channels (int): channels of the neck's feature, of stride 4.
        context (dict, optional): arguments of :class:`GeometricContext`, through which the feature goes first.
        loss_weights (Sequence[float]): of parts, charts, U and V. U and V are sums, so theirs go with the batch size.
        valid_only (bool): only annotated points on the crop count. ``False`` is the release: each crop has 196 slots; empty
            ones count as background at the crop's first pixel, and points off the crop as logits and coordinates of 0.
        init_cfg (dict, optional): initialisation; by default Kaiming's, fan-out.

    Raises:
        InputError: not four loss weights, or a negative one.
    """

    def __init__(self, *, in_channels: int = 256, context: dict | None = None,
                 loss_weights: tuple[float, float, float, float] = (5.0, 1.0, 0.001, 0.001), valid_only: bool = True,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or dict(type='Kaiming', layer='ConvTranspose2d', mode='fan_out'))
        if len(loss_weights) != 4 or not all(weight >= 0 for weight in loss_weights):
            raise InputError(f'loss_weights are those of parts, charts, U and V, not {loss_weights}')
        self.context = GeometricContext(**{'in_channels': in_channels, **context}) if context is not None else None
        channels = (context or {}).get('channels', 512) if self.context else in_channels
        self.parts, self.charts, self.u, self.v = (
            nn.ConvTranspose2d(channels, number, 4, stride=2, padding=1)
            for number in (len(PARTS), len(CHARTS), len(CHARTS), len(CHARTS)))
        self.loss_weights, self.valid_only = tuple(loss_weights), valid_only

    def forward(self, feature: Tensor) -> dict[str, Tensor]:
        """(B, in_channels, h / 4, w / 4) → ``segmentation`` (B, 15, h, w) and ``index`` (B, 25, h, w), which are logits, and
        ``u`` and ``v`` (B, 25, h, w)."""
        if self.context is not None:
            feature = self.context.encode(feature)
        layers = dict(segmentation=self.parts, index=self.charts, u=self.u, v=self.v)
        return {name: F.interpolate(layer(feature), scale_factor=2, mode='bilinear', align_corners=False)
                for name, layer in layers.items()}

    def loss(self, maps: dict[str, Tensor], parts: Tensor, points: AnnotatedPoints) -> dict[str, Tensor]:
        """Losses of what :meth:`forward` gives.

        Args:
            maps: of B crops.
            parts: (B, h, w) int64, coarse part of every pixel, 0 background.
            points: their annotated points; there may be none.
        """
        logits = maps['segmentation'].float()
        if self.valid_only:
            points = points.on_maps((logits.shape[2], logits.shape[3]))
        of_parts, of_charts, of_u, of_v = self.loss_weights
        losses = dict(loss_parts=of_parts * F.cross_entropy(logits, parts),
                      loss_charts=of_charts * self._chart_loss(maps, points))
        own = points.charts[:, None]
        for name, weight, target in (('u', of_u, points.uv[:, 0]), ('v', of_v, points.uv[:, 1])):
            found = sample_points(maps[name].float(), points.image_index, points.xy).gather(1, own)[:, 0]
            losses[f'loss_{name}'] = weight * F.smooth_l1_loss(found, target, reduction='sum')
        return losses

    def _chart_loss(self, maps: dict[str, Tensor], points: AnnotatedPoints) -> Tensor:
        """The mean cross-entropy at the points, or at all slots."""
        logits = maps['index'].float()
        total = F.cross_entropy(
            sample_points(logits, points.image_index, points.xy), points.charts, reduction='sum')
        if self.valid_only:
            return total / max(len(points.charts), 1)
        number = len(logits)
        empty = SLOTS - torch.bincount(points.image_index, minlength=number)
        at_first_pixel = F.cross_entropy(logits[:, :, 0, 0], empty.new_zeros(number), reduction='none')
        return (total + (at_first_pixel * empty).sum()) / (SLOTS * number)

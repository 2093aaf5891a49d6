"""Geometric and context encoding, and the head of Parsing R-CNN that labels the pixels of a region by it.

Yang et al., "Parsing R-CNN for Instance-Level Human Analysis" (CVPR 2019), section 3.3; with group norm the head of RP
R-CNN.

    N regions of all images, C classes, D channels of the region's feature, h, w its size (32 × 32 in the paper).
"""
import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.registry import MODELS


class NonLocalBlock(BaseModule):
    """Every pixel attends to the 2×2 max-pooled pixels of its region; group norm, added to the input.

    Wang et al., "Non-local Neural Networks" (CVPR 2018), embedded Gaussian. mmcv's ``NonLocal2d`` pools after its
    convolutions.

    Args:
        channels (int): D, a multiple of 32.
        init_cfg (dict, optional): initialisation; by default N(0, 0.01).
    """

    def __init__(self, channels: int, *, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.01))
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        self.norm = nn.GroupNorm(32, channels)

    def forward(self, feature: Tensor) -> Tensor:
        """(N, D, h, w) → (N, D, h, w)."""
        pooled = F.max_pool2d(feature, 2)
        query, key, value = (conv(source).flatten(2) for conv, source in (
            (self.query, feature), (self.key, pooled), (self.value, pooled)))
        attention = (query.transpose(1, 2) @ key * feature.shape[1] ** -0.5).softmax(-1)
        context = (value @ attention.transpose(1, 2)).view_as(feature)
        return feature + self.norm(self.project(context))


class GeometricContext(BaseModule):
    """ASPP → 1×1 convolution → non-local block → 3×3 convolutions.

    ASPP joins, in this order, the mean over the region, a 1×1 convolution and dilated 3×3 convolutions. Convolutions have a
    ReLU; without ``norm_cfg`` they have a bias.

    Args:
        in_channels (int): channels of the region's feature.
        channels (int): D of the result.
        dilations (Sequence[int]): of the 3×3 convolutions of ASPP.
        num_convs (int): 3×3 convolutions behind the non-local block.
        non_local (bool): whether there is a non-local block.
        norm_cfg (dict, optional): norm of the convolutions.
        init_cfg (dict, optional): initialisation.
    """

    def __init__(self, *, in_channels: int = 256, channels: int = 512, dilations: tuple[int, ...] = (6, 12, 18),
                 num_convs: int = 4, non_local: bool = True, norm_cfg: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.pooled = ConvModule(in_channels, in_channels, 1, norm_cfg=norm_cfg)
        self.branches = nn.ModuleList([
            ConvModule(in_channels, in_channels, 1, norm_cfg=norm_cfg),
            *(ConvModule(in_channels, in_channels, 3, padding=rate, dilation=rate, norm_cfg=norm_cfg)
              for rate in dilations)])
        self.reduce = ConvModule(in_channels * (2 + len(dilations)), channels, 1, norm_cfg=norm_cfg)
        self.non_local = NonLocalBlock(channels) if non_local else nn.Identity()
        self.convs = nn.Sequential(
            *(ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg) for _ in range(num_convs)))

    def encode(self, regions: Tensor) -> Tensor:
        """Features of regions (N, in_channels, h, w) → (N, D, h, w)."""
        mean = self.pooled(regions.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *regions.shape[2:])
        joined = torch.cat([mean, *(branch(regions) for branch in self.branches)], dim=1)
        return self.convs(self.non_local(self.reduce(joined)))


@MODELS.register_module()
class GeometricContextHead(GeometricContext):
    """:class:`GeometricContext` → transposed convolution ×2 → bilinear ×2.

    Args:
        in_channels (int): channels of the region's feature.
        num_classes (int): C, background included.
        channels (int): D of the head's own feature.
        dilations (Sequence[int]): of the 3×3 convolutions of ASPP.
        num_convs (int): 3×3 convolutions behind the non-local block.
        norm_cfg (dict, optional): norm of the convolutions; ``GN`` for RP R-CNN.
        loss_parsing (dict, optional): config of the loss; cross-entropy of weight 2 by default.
        init_cfg (dict, optional): initialisation of the transposed convolution; by default N(0, 0.01).
    """

    def __init__(
        self,
        *,
        in_channels: int = 256,
        num_classes: int = 20,
        channels: int = 512,
        dilations: tuple[int, ...] = (6, 12, 18),
        num_convs: int = 4,
        norm_cfg: dict | None = None,
        loss_parsing: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(in_channels=in_channels, channels=channels, dilations=dilations, num_convs=num_convs,
                         norm_cfg=norm_cfg, init_cfg=init_cfg or dict(type='Normal', layer='ConvTranspose2d', std=0.01))
        self.num_classes = num_classes
        self.classifier = nn.ConvTranspose2d(channels, num_classes, 4, stride=2, padding=1)
        self.loss_parsing = MODELS.build(
            {'type': 'mmqanet.PixelCrossEntropyLoss', 'loss_weight': 2.0, **(loss_parsing or {})})

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Features of regions (N, in_channels, h, w) → logits (N, C, 4h, 4w) and the head's feature (N, D, h, w)."""
        feature = self.encode(regions)
        logits = F.interpolate(self.classifier(feature), scale_factor=2, mode='bilinear', align_corners=False)
        return logits, feature

    def loss(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss of logits (N, C, 4h, 4w) against labels (N, 4h, 4w) int64 in [0, C) or the loss's ignore index."""
        return dict(loss_parsing=self.loss_parsing(logits, labels))

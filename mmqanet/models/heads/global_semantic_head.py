"""The global semantic branch of RP R-CNN: class map of the whole image, and pyramid levels that know it.

Yang et al., "Renovating Parsing R-CNN for Accurate Multiple Human Parsing" (ECCV 2020), section 3.2.

    B images, C classes, L levels of the pyramid, H, W size of the network input; level l has stride 4 · 2^l.
"""
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.registry import MODELS


@MODELS.register_module()
class GlobalSemanticHead(BaseModule):
    """All levels of a pyramid → semantic logits at stride 4, and the finer levels with an embedding of the whole image
    added.

    Args:
        in_channels (int): channels of every level, and of the embedding.
        num_classes (int): C, background included.
        num_inputs (int): L, levels that are fused.
        num_outputs (int): finest levels that the embedding is added to; the others end here.
        num_convs (int): 3×3 convolutions on the fused map.
        norm_cfg (dict, optional): norm of the convolutions; GN of 32 groups by default.
        loss_semantic (dict, optional): config of the loss; cross-entropy of weight 2 by default.
        init_cfg (dict, optional): initialisation.
    """

    def __init__(
        self,
        *,
        in_channels: int = 256,
        num_classes: int = 20,
        num_inputs: int = 5,
        num_outputs: int = 4,
        num_convs: int = 4,
        norm_cfg: dict | None = None,
        loss_semantic: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d', override=dict(
            type='Normal', name='classifier', std=0.01)))
        norm_cfg = norm_cfg or dict(type='GN', num_groups=32)
        self.num_classes, self.num_outputs = num_classes, num_outputs
        self.laterals = nn.ModuleList(
            ConvModule(in_channels, in_channels, 1, norm_cfg=norm_cfg) for _ in range(num_inputs))
        self.convs = nn.Sequential(
            *(ConvModule(in_channels, in_channels, 3, padding=1, norm_cfg=norm_cfg) for _ in range(num_convs)))
        self.embedding = ConvModule(in_channels, in_channels, 3, padding=1, norm_cfg=norm_cfg)
        self.classifier = nn.Conv2d(in_channels, num_classes, 1)
        self.loss_semantic = MODELS.build(
            {'type': 'mmqanet.PixelCrossEntropyLoss', 'loss_weight': 2.0, **(loss_semantic or {})})

    def forward(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """L levels, the first (B, in_channels, H/4, W/4) → logits (B, C, H/4, W/4) and ``num_outputs`` enhanced levels."""
        size = levels[0].shape[2:]
        fused = sum(
            lateral(F.interpolate(level, size=size, mode='bilinear', align_corners=True))
            for lateral, level in zip(self.laterals, levels, strict=True))
        fused = self.convs(fused)
        embedding = self.embedding(fused)
        enhanced = tuple(
            level + F.interpolate(embedding, size=level.shape[2:], mode='bilinear', align_corners=False)
            for level in levels[:self.num_outputs])
        return self.classifier(fused), enhanced

    def loss(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss of logits (B, C, H/4, W/4) against labels (B, H, W) int64, every fourth pixel of every fourth row."""
        return dict(loss_semantic=self.loss_semantic(logits, labels[:, ::4, ::4]))

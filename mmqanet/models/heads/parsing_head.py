"""The head that labels every pixel, with its losses.

    B crops, C classes, h, w size of the network input.
"""
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.registry import MODELS


@MODELS.register_module()
class ParsingHead(BaseModule):
    """1×1 convolution to C classes, then bilinear ×``upsample``; trained with cross-entropy + Lovász (Eq. 2).

    Args:
        in_channels (int): channels of the neck's feature.
        num_classes (int): C, background included.
        upsample (int): factor from the feature to the network input.
        loss_ce (dict): config of the cross-entropy, ``PixelCrossEntropyLoss`` by default.
        loss_lovasz (dict, optional): config of the Lovász loss; ``None`` trains without it.
        init_cfg (dict, optional): initialisation; by default N(0, 0.001) for the classifier.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        upsample: int = 4,
        loss_ce: dict | None = None,
        loss_lovasz: dict | None = None,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.001))
        self.num_classes = num_classes
        self.upsample = upsample
        self.classifier = nn.Conv2d(in_channels, num_classes, 1)
        self.loss_ce = MODELS.build(loss_ce or dict(type='PixelCrossEntropyLoss'))
        self.loss_lovasz = MODELS.build(loss_lovasz) if loss_lovasz else None

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in_channels, h / upsample, w / upsample) → logits (B, C, h, w)."""
        logits = self.classifier(feature)
        return F.interpolate(logits, scale_factor=self.upsample, mode='bilinear', align_corners=False)

    def loss(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Losses of logits (B, C, h, w) against labels (B, h, w) int64 in [0, C) or the losses' ignore index."""
        losses = dict(loss_ce=self.loss_ce(logits, labels))
        if self.loss_lovasz is not None:
            losses['loss_lovasz'] = self.loss_lovasz(logits, labels)
        return losses

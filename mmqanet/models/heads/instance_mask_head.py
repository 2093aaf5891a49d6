"""The heads of QANet's mask mode: the mask of the one instance that a crop is of, and how good that mask is.

    B crops, K classes of instances without background, D channels of the shared feature, h, w size of the network input.
"""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.models.heads.iou_head import IoUHead
from mmqanet.registry import MODELS


@MODELS.register_module()
class InstanceMaskHead(BaseModule):
    """1×1 convolution to one logit a class, of which that of the crop's class is taken, then bilinear ×``upsample``.

    Args:
        in_channels (int): D.
        num_classes (int): K.
        upsample (int): factor from the feature to the network input.
        loss_weight (float): factor of the binary cross-entropy.
        init_cfg (dict, optional): initialisation; by default N(0, 0.001) for the classifier.
    """

    def __init__(self, *, in_channels: int, num_classes: int, upsample: int = 4, loss_weight: float = 1.0,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.001))
        self.num_classes = num_classes
        self.upsample = upsample
        self.loss_weight = loss_weight
        self.classifier = nn.Conv2d(in_channels, num_classes, 1)

    def forward(self, feature: Tensor, labels: Tensor) -> Tensor:
        """Feature (B, D, h / upsample, w / upsample) and classes (B,) int64 in [0, K) → logits (B, h, w)."""
        logits = self.classifier(feature)[torch.arange(len(labels), device=labels.device), labels]
        return F.interpolate(logits[:, None], scale_factor=self.upsample, mode='bilinear', align_corners=False)[:, 0]

    def loss(self, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Mean binary cross-entropy of logits (B, h, w) against masks (B, h, w) of 0 and 1."""
        return dict(loss_mask=self.loss_weight * F.binary_cross_entropy_with_logits(logits.float(), masks.float()))


@MODELS.register_module()
class InstanceIoUHead(IoUHead):
    """:class:`IoUHead` with one number a class: the IoU of the crop's mask, if it is of that class.

    Args:
        num_classes (int): K.
        in_channels, hidden_channels, loss_iou, init_cfg: as there.
    """

    def __init__(self, *, in_channels: int, num_classes: int, hidden_channels: int = 512, loss_iou: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(in_channels=in_channels, hidden_channels=hidden_channels, loss_iou=loss_iou,
                         num_outputs=num_classes, init_cfg=init_cfg)

    def forward(self, feature: Tensor, labels: Tensor) -> Tensor:  # type: ignore[override]
        """Shared feature (B, D, ·, ·) and classes (B,) int64 in [0, K) → predicted IoU (B,)."""
        return self.regress(feature)[torch.arange(len(labels), device=labels.device), labels]

    def loss(self, pred: Tensor, logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Loss of the prediction (B,) against the IoU of the masks in ``logits`` (B, h, w) with ``masks`` (B, h, w)."""
        inside, target = logits.detach() >= 0, masks > 0
        union = (inside | target).sum((1, 2)).clamp(min=1)
        return dict(loss_iou=self.loss_iou(pred, (inside & target).sum((1, 2)) / union))

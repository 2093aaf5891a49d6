"""The head that labels every pixel, with its losses.

    B crops, C classes, h, w size of the network input.
"""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.partial_labels import exact_labels
from mmqanet.registry import MODELS


@MODELS.register_module()
class ParsingHead(BaseModule):
    """1×1 convolution to C classes, then bilinear ×``upsample``; trained with cross-entropy + Lovász (Eq. 2).

    Args:
        in_channels (int): channels of the neck's feature.
        num_classes (int): C, background included.
        upsample (int): factor from the feature to the network input.
        loss_stride (int): in training, logits have 1/``loss_stride`` of the input's size, and the losses see one label of as
            many rows and columns, in a phase drawn anew. The paper has 1; on a CPU, where the losses of many classes are
            half of a small network's step, 2 pays.
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
        loss_stride: int = 1,
        loss_ce: dict | None = None,
        loss_lovasz: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.001))
        self.num_classes = num_classes
        if loss_stride < 1 or upsample % loss_stride:
            raise InputError(f'loss_stride must divide upsample, {upsample}, but is {loss_stride}')
        self.upsample = upsample
        self.loss_stride = loss_stride
        self.classifier = nn.Conv2d(in_channels, num_classes, 1)
        self.loss_ce = MODELS.build(loss_ce or dict(type='PixelCrossEntropyLoss'))
        self.loss_lovasz = MODELS.build(loss_lovasz) if loss_lovasz else None

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in_channels, h / upsample, w / upsample) → logits (B, C, h, w); see ``loss_stride`` for training."""
        factor = self.upsample // self.loss_stride if self.training else self.upsample
        logits = self.classifier(feature).contiguous()  # class by class, as what reads them goes
        return F.interpolate(logits, scale_factor=factor, mode='bilinear', align_corners=False)

    def loss_labels(self, labels: Tensor) -> Tensor:
        """The labels (B, h, w) that the losses see: (B, h / loss_stride, w / loss_stride)."""
        if self.loss_stride == 1 or not self.training:
            return labels
        down, right = torch.randint(self.loss_stride, (2,)).tolist()
        return labels[:, down::self.loss_stride, right::self.loss_stride]

    def loss(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Losses of logits (B, C, h, w) against labels (B, h, w) int64 in [0, C) or the losses' ignore index.

        Partial labels, from C on, are for the cross-entropy alone: the Lovász loss ignores them.
        """
        losses = dict(loss_ce=self.loss_ce(logits, labels))
        if self.loss_lovasz is not None:
            losses['loss_lovasz'] = self.loss_lovasz(
                logits, exact_labels(labels, num_classes=self.num_classes, ignore_index=self.loss_lovasz.ignore_index))
        return losses

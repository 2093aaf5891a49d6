"""The head that predicts how good the parsing of a crop is.

    B crops, C classes, D channels of the shared feature, h, w size of the network input.
"""
import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmqanet.functional.overlaps import mean_class_iou
from mmqanet.functional.partial_labels import mostly_exact_labels
from mmqanet.registry import MODELS


@MODELS.register_module()
class IoUHead(BaseModule):
    """A light FCN that regresses the mean IoU of the crop's own parsing (paper, section 3.3).

    1×1 conv + ReLU keeping the width, global average pool, two 1×1 conv + ReLU, linear to one number. Convolutions have
    a bias and no norm. The output is raw and can leave [0, 1]; the fusion of scores clamps it.

    Args:
        in_channels (int): D.
        hidden_channels (int): width of the two convolutions after the pool.
        loss_iou (dict): config of the loss, ``IoURegressionLoss`` by default.
        ignore_index (int): label that does not count in the target.
        num_outputs (int): numbers that are regressed, one for the whole crop by default.
        init_cfg (dict, optional): initialisation.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        hidden_channels: int = 512,
        loss_iou: dict | None = None,
        ignore_index: int = 255,
        num_outputs: int = 1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.ignore_index = ignore_index
        self.reduce = ConvModule(in_channels, in_channels, 1)
        self.layers = nn.Sequential(
            ConvModule(in_channels, hidden_channels, 1), ConvModule(hidden_channels, hidden_channels, 1))
        self.regressor = nn.Linear(hidden_channels, num_outputs)
        self.loss_iou = MODELS.build(loss_iou or dict(type='IoURegressionLoss'))

    def forward(self, feature: Tensor) -> Tensor:
        """Shared feature (B, D, ·, ·) → predicted mean IoU (B,)."""
        return self.regress(feature).squeeze(1)

    def regress(self, feature: Tensor) -> Tensor:
        """Shared feature (B, D, ·, ·) → all numbers that are regressed (B, num_outputs)."""
        pooled = self.reduce(feature).mean(dim=(2, 3), keepdim=True)
        return self.regressor(self.layers(pooled).flatten(1))

    def loss(self, pred: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss of the prediction (B,) against the true IoU of ``logits`` (B, C, h, w) with ``labels`` (B, h, w).

        Crops with partial labels on more than a tenth of what is labelled do not count: their IoU is not known.
        """
        exact = mostly_exact_labels(labels, num_classes=logits.shape[1], ignore_index=self.ignore_index)
        with torch.no_grad():
            target = mean_class_iou(
                logits.argmax(1), exact, num_classes=logits.shape[1], ignore_index=self.ignore_index)
        return dict(loss_iou=self.loss_iou(pred, target))

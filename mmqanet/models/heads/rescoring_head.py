"""The head of RP R-CNN that predicts how good the parsing of a region is.

Yang et al., "Renovating Parsing R-CNN for Accurate Multiple Human Parsing" (ECCV 2020), section 3.3.

    N regions of all images, C classes, D channels of the parsing head's feature, h, w its size.
"""
import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.functional.overlaps import mean_class_iou
from mmqanet.registry import MODELS


@MODELS.register_module()
class ParsingRescoringHead(BaseModule):
    """Regresses the mean IoU of a region's parsing from the parsing head's feature and its logits, max-pooled to that size.

    Two 3×3 convolutions, the second of stride 2, the mean over the region, two linear layers, each with a ReLU, and a linear
    one to one number. The output is raw: it can leave [0, 1].

    Args:
        in_channels (int): D.
        num_classes (int): C, background included.
        conv_channels, fc_channels (int): widths.
        loss_iou (dict, optional): config of the loss, ``IoURegressionLoss`` by default.
        ignore_index (int): label that does not count in the target.
        init_cfg (dict, optional): initialisation; by default Kaiming's, and N(0, 0.01) for the last layer.
    """

    def __init__(
        self,
        *,
        in_channels: int = 512,
        num_classes: int = 20,
        conv_channels: int = 128,
        fc_channels: int = 256,
        loss_iou: dict | None = None,
        ignore_index: int = 255,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or [
            dict(type='Kaiming', layer='Linear', override=dict(type='Normal', name='regressor', std=0.01))])
        self.ignore_index = ignore_index
        self.convs = nn.Sequential(
            ConvModule(in_channels + num_classes, conv_channels, 3, padding=1),
            ConvModule(conv_channels, conv_channels, 3, stride=2, padding=1))
        self.layers = nn.Sequential(
            nn.Linear(conv_channels, fc_channels), nn.ReLU(), nn.Linear(fc_channels, fc_channels), nn.ReLU())
        self.regressor = nn.Linear(fc_channels, 1)
        self.loss_iou = MODELS.build({'type': 'mmqanet.IoURegressionLoss', **(loss_iou or {})})

    def forward(self, feature: Tensor, logits: Tensor) -> Tensor:
        """Feature (N, D, h, w) and logits (N, C, 4h, 4w) of the parsing head → predicted mean IoU (N,)."""
        joined = torch.cat([feature, F.max_pool2d(logits, 4)], dim=1)
        return self.regressor(self.layers(self.convs(joined).mean(dim=(2, 3)))).squeeze(1)

    def loss(self, pred: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss of the prediction (N,) against the true IoU of ``logits`` (N, C, ·, ·) with ``labels`` (N, ·, ·)."""
        with torch.no_grad():
            target = mean_class_iou(
                logits.argmax(1), labels, num_classes=logits.shape[1], ignore_index=self.ignore_index)
        return dict(loss_iou=self.loss_iou(pred, target))

"""The losses of QANet (Eq. 2) as registered modules, each a thin layer on a formula.

    B crops, C classes, h, w size of the network input.
"""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.lovasz import lovasz_softmax
from mmqanet.registry import MODELS


@MODELS.register_module()
class PixelCrossEntropyLoss(nn.Module):
    """Cross-entropy, mean over the pixels that are not ignored; 0 where all are.

    Args:
        loss_weight (float): factor of the loss.
        ignore_index (int): label that does not count.
        class_weight (Sequence[float], optional): how much a pixel of each class counts in the mean, all the same by default.

    Raises:
        InputError: a class weight is not positive, or their number is not that of the classes.
    """

    class_weight: Tensor | None

    def __init__(self, *, loss_weight: float = 1.0, ignore_index: int = 255,
                 class_weight: Sequence[float] | None = None) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        if class_weight is not None and not all(weight > 0 for weight in class_weight):
            raise InputError(f'class_weight must be positive, got {list(class_weight)}')
        weight = None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, C, h, w), labels (B, h, w) int64 → scalar float32."""
        if self.class_weight is not None and len(self.class_weight) != logits.shape[1]:
            raise InputError(f'class_weight has {len(self.class_weight)} entries for {logits.shape[1]} classes')
        total = F.cross_entropy(
            logits.float(), labels, self.class_weight, ignore_index=self.ignore_index, reduction='sum')
        counted = labels != self.ignore_index
        if self.class_weight is None:
            return self.loss_weight * total / counted.sum().clamp(min=1)
        return self.loss_weight * total / self.class_weight[labels[counted]].sum().clamp(min=1e-6)


@MODELS.register_module()
class IoURegressionLoss(nn.Module):
    """Sum of ½(pred − target)² over the images with target > 0, divided by their number (docs/training.md).

    Args:
        loss_weight (float): factor of the loss.
    """

    def __init__(self, *, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Prediction and target (B,) → scalar float32."""
        counted = target > 0
        error = (pred.float() - target) * counted
        return self.loss_weight * 0.5 * error.square().sum() / counted.sum().clamp(min=1)


@MODELS.register_module()
class LovaszSoftmaxLoss(nn.Module):
    """Lovász-Softmax, per image over the classes present in it (Berman et al., CVPR 2018); 0 where all is ignored.

    Args:
        loss_weight (float): factor of the loss.
        ignore_index (int): label that does not count.
        stride (int): count every ``stride``-th pixel of every ``stride``-th row, at 1/stride² of the cost. The paper
            counts all; on a CPU, where the sort is a third of a small network's step, 2 pays.
    """

    def __init__(self, *, loss_weight: float = 1.0, ignore_index: int = 255, stride: int = 1) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        self.stride = stride

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, C, h, w), labels (B, h, w) integers → scalar float32."""
        logits, labels = logits[..., ::self.stride, ::self.stride], labels[..., ::self.stride, ::self.stride]
        return self.loss_weight * lovasz_softmax(logits.float().softmax(dim=1), labels, self.ignore_index)

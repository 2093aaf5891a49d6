"""A convolution that takes its batch norm and its padding into the weights.

    B images, C, C' channels, h, w and h', w' sizes.
"""
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks import Conv2dAdaptivePadding
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm


class FoldedConvModule(ConvModule):
    """mmcv's ``ConvModule`` of a ``Conv2d`` or ``Conv2dAdaptivePadding``, without dilation. A batch norm with fixed
    statistics becomes part of the weights, which spares passes over the feature maps. Gradients of all parameters are those
    of a norm of its own.

    mmcv's ``efficient_conv_bn_eval`` does the same, but changes the module during the call: threads cannot share it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', h', w'); a fixed batch norm is part of the convolution's weights."""
        conv: Any = self.conv
        norm: Any = self.norm
        if not _is_fixed(norm):
            return super().forward(x)
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        weight, bias = conv.weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale
        padding = conv.padding
        if isinstance(conv, Conv2dAdaptivePadding):
            weight, padding = _with_equal_padding(weight, conv.stride, (x.shape[2], x.shape[3]))
        x = F.conv2d(x, weight, bias, conv.stride, padding, conv.dilation, conv.groups)
        return self.activate(x) if self.with_activation else x


def _is_fixed(norm: nn.Module) -> bool:
    """Whether a norm is the same scale and shift of every channel for any input."""
    return isinstance(norm, _BatchNorm) and norm.affine and norm.track_running_stats and not norm.training


def _with_equal_padding(weight: Tensor, strides: tuple[int, int], size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """The weights, and the padding of both ends, that stand for TensorFlow's 'same' on maps of a ``size`` (h, w).

    'Same' may pad one pixel more at the end. The kernel then begins with a zero, and both ends have that pixel: padding a
    feature map at one end is a copy of it, which takes longer than the convolution.
    """
    rows, columns = (max((-(-side // stride) - 1) * stride + kernel - side, 0)
                     for side, stride, kernel in zip(size, strides, weight.shape[2:]))
    return F.pad(weight, (columns % 2, 0, rows % 2, 0)), (-(-rows // 2), -(-columns // 2))

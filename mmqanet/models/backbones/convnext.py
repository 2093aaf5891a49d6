"""ConvNeXt as a four-level backbone, since mmseg borrows it from mmpretrain, which needs torchvision.

Network: Liu et al., "A ConvNet for the 2020s" (CVPR 2022), table 9. Parameters are named as mmpretrain's, so that the
weights in its model zoo load.

    B images, D channels of a level, h, w its size.
"""
from collections.abc import Sequence

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.registry import MODELS

ARCHITECTURES = {
    'tiny': ((3, 3, 9, 3), (96, 192, 384, 768)),
    'small': ((3, 3, 27, 3), (96, 192, 384, 768)),
    'base': ((3, 3, 27, 3), (128, 256, 512, 1024)),
    'large': ((3, 3, 27, 3), (192, 384, 768, 1536)),
}


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of (B, D, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, feature: Tensor) -> Tensor:
        """Normalize (B, C, h, w) over its C channels at every pixel."""
        normed = F.layer_norm(feature.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise 7×7, layer norm, two pointwise layers with GELU between, layer scale, residual."""

    def __init__(self, channels: int, *, drop_path: float, layer_scale: float) -> None:
        super().__init__()
        self.depthwise_conv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pointwise_conv1 = nn.Linear(channels, 4 * channels)
        self.pointwise_conv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), layer_scale))
        self.drop_path = DropPath(drop_path) if drop_path > 0 else nn.Identity()

    def forward(self, feature: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C, h, w), the residual added."""
        hidden = self.norm(self.depthwise_conv(feature).permute(0, 2, 3, 1))
        hidden = self.pointwise_conv2(F.gelu(self.pointwise_conv1(hidden)))
        return feature + self.drop_path((self.gamma * hidden).permute(0, 3, 1, 2))


@MODELS.register_module()
class ConvNeXt(BaseModule):
    """ConvNeXt without its classifier; levels have strides 4, 8, 16, 32.

    Args:
        arch (str): 'tiny' (28 M parameters; 96, 192, 384, 768 channels), 'small', 'base' or 'large'.
        out_indices (Sequence[int]): levels to return, each through a layer norm of its own.
        drop_path_rate (float): stochastic depth of the last block; it grows linearly from 0.
        layer_scale (float): initial factor of the residual branches.
        init_cfg (dict, optional): initialisation; by default truncated normal of std 0.02.
    """

    def __init__(
        self,
        *,
        arch: str = 'tiny',
        out_indices: Sequence[int] = (0, 1, 2, 3),
        drop_path_rate: float = 0.0,
        layer_scale: float = 1e-6,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='TruncNormal', layer=['Conv2d', 'Linear'], std=0.02, bias=0.0))
        if arch not in ARCHITECTURES:
            raise InputError(f'arch is {arch!r}, but must be one of {sorted(ARCHITECTURES)}')
        depths, widths = ARCHITECTURES[arch]
        self.out_indices = tuple(out_indices)
        rates = iter(torch.linspace(0, drop_path_rate, sum(depths)).tolist())
        self.downsample_layers, self.stages = nn.ModuleList(), nn.ModuleList()
        for level, (depth, width) in enumerate(zip(depths, widths)):
            if level == 0:
                layers = [nn.Conv2d(3, width, 4, stride=4), LayerNorm2d(width)]
            else:
                layers = [LayerNorm2d(widths[level - 1]), nn.Conv2d(widths[level - 1], width, 2, stride=2)]
            self.downsample_layers.append(nn.Sequential(*layers))
            self.stages.append(nn.Sequential(*(
                ConvNeXtBlock(width, drop_path=next(rates), layer_scale=layer_scale) for _ in range(depth))))
        for level in self.out_indices:
            self.add_module(f'norm{level}', LayerNorm2d(widths[level]))

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, 4h, 4w) → levels (B, D_i, h / 2^i, w / 2^i) for i in ``out_indices``."""
        feature, outputs = inputs, []
        for level, (downsample, stage) in enumerate(zip(self.downsample_layers, self.stages)):
            feature = stage(downsample(feature))
            if level in self.out_indices:
                outputs.append(getattr(self, f'norm{level}')(feature))
        return tuple(outputs)

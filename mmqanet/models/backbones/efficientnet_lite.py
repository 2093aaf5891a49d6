"""EfficientNet-Lite0, -Lite1 and -Lite2 as four-level backbones, and the conversion of their published ImageNet weights.

Network: Tan and Le, "EfficientNet" (ICML 2019), table 1, in the Lite variant of TensorFlow's model garden: no
squeeze-and-excitation, ReLU6 for swish; the stem is not scaled, nor the number of the first and the last blocks.
"""
import math
from collections.abc import Mapping, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmqanet.errors import DataError, InputError
from mmqanet.models.folded_conv import FoldedConvModule
from mmqanet.registry import MODELS

# The four output levels of Lite0; each row of a level is (kernel, stride, expansion, output channels, blocks).
LEVELS = (
    ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2)),
    ((5, 2, 6, 40, 2),),
    ((3, 2, 6, 80, 3), (5, 1, 6, 112, 3)),
    ((5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
)
STEM_CHANNELS = 32
CLASSIFIER = ('_conv_head.', '_bn1.', '_fc.')


Row = tuple[int, int, int, int, int]


def scaled_levels(width: float, depth: float) -> list[list[Row]]:
    """``LEVELS`` with ``width`` times the channels, in multiples of 8, and ``depth`` times the blocks, rounded up."""
    ends = LEVELS[0][0], LEVELS[-1][-1]

    def scaled(row: Row) -> Row:
        kernel, stride, expansion, channels, blocks = row
        count = blocks if row in ends else math.ceil(depth * blocks)
        return kernel, stride, expansion, _multiple_of_8(width * channels), count

    return [[scaled(row) for row in level] for level in LEVELS]


def _multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, or the next one where the nearest is less than nine tenths."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class InvertedResidual(nn.Module):
    """Widen ``expansion`` times, filter each channel, narrow again; the input is added where the shape stays.

    mmseg has such a block; importing it takes all of mmseg and mmdet along, more time than it takes to parse a photo.
    """

    def __init__(self, in_channels: int, out_channels: int, *, expansion: int, kernel: int, stride: int, norm_cfg: dict,
                 act_cfg: dict) -> None:
        super().__init__()
        wide = in_channels * expansion
        style = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        self.expand_conv = FoldedConvModule(in_channels, wide, 1, **style) if expansion != 1 else nn.Identity()
        if stride == 2:
            self.depthwise_conv = FoldedConvModule(
                wide, wide, kernel, stride=2, groups=wide, conv_cfg={'type': 'Conv2dAdaptivePadding'}, **style)
        else:
            self.depthwise_conv = FoldedConvModule(wide, wide, kernel, padding=kernel // 2, groups=wide, **style)
        self.linear_conv = FoldedConvModule(wide, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None)
        self.adds_input = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C', h', w'), the residual added where both have one shape."""
        out = self.linear_conv(self.depthwise_conv(self.expand_conv(x)))
        return x + out if self.adds_input else out


@MODELS.register_module()
class EfficientNetLite0(BaseModule):
    """EfficientNet-Lite0 without its classifier: 2.96 M parameters.

    Levels 0-3 have strides 4, 8, 16, 32 and 24, 40, 112, 320 channels. Strided convolutions pad as TensorFlow's
    'same' does (one more pixel on the right and below), which the published weights were trained with. Those weights
    expect RGB input with ``mean=[127] * 3`` and ``std=[128] * 3`` on the scale 0-255.

    Args:
        out_indices: levels to return, ascending.
        frozen_stages: -1 trains everything, 0 freezes the stem, n the stem and levels 0 … n - 1.
        norm_cfg: normalization; the default holds the original's epsilon and momentum.
        channels_last: lay feature maps out as NHWC in memory, which makes convolutions on a CPU a third faster. mmcv's
            operators misread such maps: leave it off before RoIAlign or deformable convolutions.
        norm_eval: keep the running statistics of all batch norms fixed while training.
        init_cfg: e.g. ``dict(type='Pretrained', checkpoint=FILE)`` with a file made by
            ``tools/model_converters/efficientnet_lite0.py``; random by default.

    Raises:
        InputError: ``out_indices`` or ``frozen_stages`` out of range.
    """

    width = 1.0
    depth = 1.0

    def __init__(self, *, out_indices: Sequence[int] = (0, 1, 2, 3), frozen_stages: int = -1,
                 norm_cfg: dict | None = None, norm_eval: bool = False, channels_last: bool = False,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg or [{'type': 'Kaiming', 'layer': 'Conv2d'},
                                      {'type': 'Constant', 'val': 1, 'layer': ['_BatchNorm', 'GroupNorm']}])
        if list(out_indices) != sorted(set(out_indices) & set(range(len(LEVELS)))):
            raise InputError(f'out_indices must be ascending levels out of 0-3, got {tuple(out_indices)}')
        if frozen_stages not in range(-1, len(LEVELS) + 1):
            raise InputError(f'frozen_stages must be in [-1, 4], got {frozen_stages}')
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.memory_format = torch.channels_last if channels_last else torch.preserve_format
        norm_cfg = norm_cfg or {'type': 'BN', 'eps': 1e-3, 'momentum': 0.01}
        style = {'norm_cfg': norm_cfg, 'act_cfg': {'type': 'ReLU6'}}
        self.stem = FoldedConvModule(
            3, STEM_CHANNELS, 3, stride=2, conv_cfg={'type': 'Conv2dAdaptivePadding'}, **style)
        channels = STEM_CHANNELS
        self.levels = nn.ModuleList()
        for rows in scaled_levels(self.width, self.depth):
            level = nn.Sequential()
            for kernel, stride, expansion, out_channels, count in rows:
                for i in range(count):
                    level.append(InvertedResidual(
                        channels, out_channels, expansion=expansion, kernel=kernel, stride=stride if i == 0 else 1,
                        **style))
                    channels = out_channels
            self.levels.append(level)
        self._freeze()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the levels of ``out_indices`` of images (B, 3, H, W); their sizes are rounded up where H or W is
        not a multiple of the stride."""
        x = self.stem(x.to(memory_format=self.memory_format))
        outs = []
        for i, level in enumerate(self.levels[:max(self.out_indices, default=-1) + 1]):
            x = level(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def train(self, mode: bool = True) -> 'EfficientNetLite0':
        """Switch modes; frozen stages, and with ``norm_eval`` every batch norm, stay in evaluation mode."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _frozen_modules(self) -> list[nn.Module]:
        return [self.stem, *self.levels[:self.frozen_stages]] if self.frozen_stages >= 0 else []

    def _freeze(self) -> None:
        for module in self._frozen_modules():
            module.requires_grad_(False)
        self.train(self.training)


@MODELS.register_module()
class EfficientNetLite1(EfficientNetLite0):
    """EfficientNet-Lite1: :class:`EfficientNetLite0` with 1.1 times the blocks, 3.72 M parameters."""

    depth = 1.1


@MODELS.register_module()
class EfficientNetLite2(EfficientNetLite0):
    """EfficientNet-Lite2: 1.1 times the channels of :class:`EfficientNetLite0`, 1.2 times the blocks, 4.36 M parameters.

    Its levels have 24, 48, 120, 352 channels.
    """

    width = 1.1
    depth = 1.2


def convert_efficientnet_lite0(source: Mapping[str, Tensor], variant: type[EfficientNetLite0] = EfficientNetLite0
                               ) -> dict[str, Tensor]:
    """Rename a state dict in the naming of the package efficientnet-lite-pytorch to that of :class:`EfficientNetLite0`.

    The classifier (``_conv_head``, ``_bn1``, ``_fc``) is left out.

    Args:
        source: name → tensor.
        variant: the network whose weights they are.

    Raises:
        DataError: keys are left over, missing, or of another shape; all of them are listed.
    """
    renamed = _key_table(variant)
    expected = {name: value.shape for name, value in variant().state_dict().items()}
    source = {name: value for name, value in source.items() if not name.startswith(CLASSIFIER)}
    missing = sorted(renamed.keys() - source.keys())
    left_over = sorted(source.keys() - renamed.keys())
    shapes = sorted(name for name in renamed.keys() & source.keys() if source[name].shape != expected[renamed[name]])
    if missing or left_over or shapes:
        raise DataError(f'not a state dict of {variant.__name__}: missing {missing}, left over {left_over}, '
                        f'of another shape {shapes}')
    return {renamed[name]: value.detach().clone().to(torch.float32 if value.is_floating_point() else value.dtype)
            for name, value in source.items()}


def _key_table(variant: type[EfficientNetLite0]) -> dict[str, str]:
    """The name of every parameter and buffer in the package, and here."""
    norm = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
    pairs = [('_conv_stem', '_bn0', 'stem')]
    block = 0
    for i, rows in enumerate(scaled_levels(variant.width, variant.depth)):
        blocks = [expansion for _, _, expansion, _, count in rows for _ in range(count)]
        for j, expansion in enumerate(blocks):
            ours, theirs = f'levels.{i}.{j}', f'_blocks.{block}'
            if expansion != 1:
                pairs.append((f'{theirs}._expand_conv', f'{theirs}._bn0', f'{ours}.expand_conv'))
            pairs.append((f'{theirs}._depthwise_conv', f'{theirs}._bn1', f'{ours}.depthwise_conv'))
            pairs.append((f'{theirs}._project_conv', f'{theirs}._bn2', f'{ours}.linear_conv'))
            block += 1
    table = {f'{conv}.weight': f'{ours}.conv.weight' for conv, _, ours in pairs}
    table.update({f'{bn}.{name}': f'{ours}.bn.{name}' for _, bn, ours in pairs for name in norm})
    return table

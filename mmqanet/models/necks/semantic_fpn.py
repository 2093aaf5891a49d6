"""Semantic FPN: features of several scales → one feature at the finest of them.

    B crops, D channels of the output, h, w size of the finest level.
"""
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.models.folded_conv import FoldedConvModule
from mmqanet.registry import MODELS


@MODELS.register_module()
class SemanticFPN(BaseModule):
    """The neck of QANet (paper, section 3.4; Kirillov et al., Panoptic Feature Pyramid Networks).

    Level 0 passes one block conv3×3-norm-ReLU; level i ≥ 1 passes i times [block, bilinear ×2]; the levels are summed.
    It sits on the levels of an FPN or directly on a backbone's.

    Args:
        in_channels (list[int]): channels of each level, finest (1/4) first, each level half the size of the one before.
        out_channels (int): D.
        norm_cfg (dict): norm layer of the blocks; the convolutions have no bias.
        init_cfg (dict, optional): initialisation, as everywhere in mmengine.
    """

    def __init__(
        self,
        *,
        in_channels: list[int],
        out_channels: int = 256,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        norm_cfg = norm_cfg or dict(type='BN')
        self.levels: Any = nn.ModuleList()  # of ModuleLists, which torch cannot annotate
        for level, channels in enumerate(in_channels):
            blocks = nn.ModuleList()
            for step in range(max(level, 1)):
                blocks.append(FoldedConvModule(
                    channels if step == 0 else out_channels, out_channels, 3, padding=1, norm_cfg=norm_cfg))
            self.levels.append(blocks)

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Levels (B, in_channels[i], h / 2^i, w / 2^i) → (B, D, h, w)."""
        output = self.levels[0][0](features[0])
        for level in range(1, len(self.levels)):
            feature = features[level]
            for step, block in enumerate(self.levels[level]):
                # To the size of the next finer level, which is ×2 wherever the input size divides by 32.
                finer = features[level - 1 - step].shape[-2:]
                feature = F.interpolate(block(feature), size=finer, mode='bilinear', align_corners=False)
            output = output + feature
        return output

"""The neck of SimpleNet: the coarsest feature, up-sampled by transposed convolutions."""
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmqanet.registry import MODELS


@MODELS.register_module()
class DeconvNeck(BaseModule):
    """Transposed convolutions 4×4 of stride 2 without bias, each with norm and ReLU (Xiao et al., Simple Baselines).

    Args:
        in_channels (int): channels of the last level.
        out_channels (int): channels of every transposed convolution.
        num_layers (int): how many; 3 take 1/32 to 1/4.
        norm_cfg (dict): norm layer.
        init_cfg (dict, optional): initialisation; by default N(0, 0.001) for the transposed convolutions.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int = 256,
        num_layers: int = 3,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='ConvTranspose2d', std=0.001))
        layers: list[nn.Module] = []
        for index in range(num_layers):
            layers += [
                nn.ConvTranspose2d(
                    in_channels if index == 0 else out_channels, out_channels, 4, stride=2, padding=1, bias=False),
                build_norm_layer(norm_cfg or dict(type='BN'), out_channels)[1],
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Last level (B, in_channels, h, w) → (B, out_channels, h · 2^num_layers, w · 2^num_layers)."""
        return self.layers(features[-1])

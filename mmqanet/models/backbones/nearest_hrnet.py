"""HRNet as QANet was released with: mmseg's, but for the up-sampling between its branches."""
from mmengine.model import Sequential
from mmseg.models.backbones import HRNet
from mmseg.models.utils import Upsample

from mmqanet.registry import MODELS


@MODELS.register_module()
class NearestHRNet(HRNet):
    """HRNet whose fuse layers enlarge by nearest neighbour, as its authors' classification and pose networks do.

    mmseg's HRNet enlarges bilinearly there, as its authors' segmentation network does. Arguments, levels and state dict are
    mmseg's: weights fit both, but are right for one of them only. Sides of the input must be multiples of 32.

    Network: Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition" (TPAMI 2020), figure 4.
    """

    def _make_stage(self, layer_config: dict, in_channels: list[int],
                    multiscale_output: bool = True) -> tuple[Sequential, list[int]]:
        stage, channels = super()._make_stage(layer_config, in_channels, multiscale_output)
        for module in stage.modules():
            if isinstance(module, Upsample):
                module.mode, module.align_corners = 'nearest', None
        return stage, channels

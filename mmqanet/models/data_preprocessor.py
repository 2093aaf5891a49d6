"""From the loader's uint8 crops to the network's input.

    B training crops, N_i people of image i, S scales, h, w size of the network input.
"""
import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from mmqanet.errors import InputError
from mmqanet.registry import MODELS

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@MODELS.register_module()
class ParsingDataPreprocessor(BaseDataPreprocessor):
    """Moves crops to the device; BGR uint8 → RGB / 255, minus mean, over std.

    Training batches come out normalised and joined, (B, 3, h, w) float32. Test batches stay a list of uint8 tensors
    (N_i · S, 3, h, w), one an image: the model normalises them chunk by chunk, so that an image with 300 people does not
    become one float tensor.

    Args:
        mean, std (tuple[float, float, float]): of RGB values in [0, 1]; ImageNet's by default, as in the release.
        bgr_to_rgb (bool): whether the loader's channel order is BGR, mmcv's habit.
        channels_last (bool): lay the batch out as NHWC in memory, which makes convolutions on a CPU faster. mmcv's own
            operators (deformable convolutions, RoIAlign) would misread it: a parser that has some refuses.
        non_blocking (bool): copy to the device asynchronously.
    """

    def __init__(
        self,
        *,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        std: tuple[float, float, float] = IMAGENET_STD,
        bgr_to_rgb: bool = True,
        channels_last: bool = False,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking)
        self.bgr_to_rgb = bgr_to_rgb
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.register_buffer('mean', 255 * torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', 255 * torch.tensor(std).view(-1, 1, 1), persistent=False)

    def check_network(self, network: nn.Module) -> None:
        """Raises an InputError where a network holds an operator that reads the memory of every map as NCHW."""
        if self.memory_format is torch.channels_last:
            for name, module in network.named_modules():
                if type(module).__module__.startswith('mmcv.ops.'):
                    raise InputError(f'data_preprocessor.channels_last: {type(module).__name__} ({name}) is an operator of '
                                     'mmcv, which misreads maps in this layout; leave the option off')

    def normalize(self, crops: Tensor) -> Tensor:
        """(B, 3, h, w) uint8 → (B, 3, h, w) float32."""
        if self.bgr_to_rgb:
            crops = crops.flip(1)
        crops = crops.to(torch.float32, memory_format=self.memory_format)
        return (crops - self.mean) / self.std

    def forward(self, data: dict, training: bool = False) -> dict:
        """``inputs``: one tensor (N_i · S, 3, h, w) uint8 a sample; a training sample is one person, N_i · S = 1."""
        data = self.cast_data(data)
        inputs = data['inputs']
        if training:
            inputs = self.normalize(torch.cat(list(inputs)))
        return dict(inputs=inputs, data_samples=data.get('data_samples'))

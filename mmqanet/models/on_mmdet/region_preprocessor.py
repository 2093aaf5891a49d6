"""From the loader's whole images to the network's input.

    B images, S scales, h, w size of an image, H, W size of the padded batch.
"""
from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn import functional as F

from mmqanet.registry import MODELS

CAFFE_MEAN = (102.9801, 115.9465, 122.7717)


@MODELS.register_module()
class WholeImagePreprocessor(BaseDataPreprocessor):
    """Moves images to the device; normalises and pads them to sides that ``divisor`` divides.

    Training batches come out as (B, 3, H, W). Test batches stay as they are, a list of S tensors an image, because the
    parser looks at one after the other.

    Args:
        mean, std (tuple[float, float, float]): of BGR values in [0, 255]; Caffe's by default.
        divisor (int): of the padded sides.
        bgr_to_rgb (bool): exchange the channels; ``mean`` and ``std`` are then of RGB values.
        non_blocking (bool): copy to the device asynchronously.
    """

    def __init__(
        self,
        *,
        mean: tuple[float, float, float] = CAFFE_MEAN,
        std: tuple[float, float, float] = (1.0, 1.0, 1.0),
        divisor: int = 32,
        bgr_to_rgb: bool = False,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking)
        self.divisor, self.bgr_to_rgb = divisor, bgr_to_rgb
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), persistent=False)

    def normalize(self, image: Tensor) -> Tensor:
        """(3, h, w) BGR in [0, 255] → (3, h, w) float32."""
        image = image.flip(0) if self.bgr_to_rgb else image
        return (image.float() - self.mean) / self.std

    def batch(self, images: Sequence[Tensor], *, pad_first: bool = False) -> Tensor:
        """B images (3, h, w) BGR in [0, 255] → (B, 3, H, W) normalised.

        The padding is 0 there; with ``pad_first`` it is 0 before normalisation, black.
        """
        sides = (max(sizes) for sizes in zip(*(image.shape[1:] for image in images)))
        height, width = (-(-side // self.divisor) * self.divisor for side in sides)

        def pad(image: Tensor) -> Tensor:
            return F.pad(image, (0, width - image.shape[2], 0, height - image.shape[1]))

        return torch.stack([self.normalize(pad(image)) if pad_first else pad(self.normalize(image)) for image in images])

    def forward(self, data: dict, training: bool = False) -> dict:
        """``inputs``: B tensors (3, h, w) for training; for testing those, or S lists of B, a list for each scale."""
        data = self.cast_data(data)
        inputs, samples = data['inputs'], data.get('data_samples')
        if training:
            return dict(inputs=self.batch(inputs), data_samples=samples)
        scales = [inputs] if len(inputs) and isinstance(inputs[0], Tensor) else inputs
        return dict(inputs=[list(images) for images in zip(*scales)], data_samples=samples)

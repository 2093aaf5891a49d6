"""The views of an image that a region-based parser looks at, and the frames of their boxes.

    N boxes, H, W size of the padded network input, h, w of the picture in it.
"""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class View:
    """An image as the network sees it, at one scale and mirrored or not.

    Attributes:
        inputs: (1, 3, H, W) normalised and padded.
        size: (h, w).
        mirrored: whether the picture is mirrored.
        last_pixel: 1 where boxes name their last pixel, else 0.
    """

    inputs: Tensor
    size: tuple[int, int]
    mirrored: bool = False
    last_pixel: int = 0

    @property
    def meta(self) -> dict:
        """The image as mmdet's heads want it described."""
        return dict(img_shape=self.size, pad_shape=tuple(self.inputs.shape[-2:]), scale_factor=(1.0, 1.0))

    def from_frame(self, boxes: Tensor, size: tuple[float, float]) -> Tensor:
        """Boxes (N, 4) xyxy of an upright picture of ``size`` (height, width) → boxes in this view."""
        scaled = boxes * _factors(boxes, size, self.size)
        return self._mirror(scaled) if self.mirrored else scaled

    def to_frame(self, boxes: Tensor, size: tuple[float, float]) -> Tensor:
        """Boxes (N, 4) xyxy in this view → boxes of the upright picture of ``size`` (height, width)."""
        upright = self._mirror(boxes) if self.mirrored else boxes
        return upright * _factors(boxes, self.size, size)

    def window(self, image_size: tuple[int, int], *, whole_input: bool) -> tuple[float, float, float, float]:
        """The stretch x1, y1, x2, y2 of an image of ``image_size`` (height, width) that the *padded* input covers.

        ``whole_input`` takes the padding for picture: the input then covers the image and no more.
        """
        height, width = image_size
        if whole_input:
            return 0.0, 0.0, float(width), float(height)
        right = self.inputs.shape[-1] * width / self.size[1]
        return (width - right if self.mirrored else 0.0), 0.0, (float(width) if self.mirrored else right), (
            self.inputs.shape[-2] * height / self.size[0])

    def _mirror(self, boxes: Tensor) -> Tensor:
        x1, y1, x2, y2 = boxes.unbind(-1)
        last = self.size[1] - self.last_pixel
        return torch.stack([last - x2, y1, last - x1, y2], dim=-1)


def _factors(boxes: Tensor, source: tuple[float, float], target: tuple[float, float]) -> Tensor:
    return boxes.new_tensor([target[1] / source[1], target[0] / source[0]] * 2)


#: The levels of the pyramid of an input (1, 3, H, W), each (1, D, ·, ·), and its semantic logits or ``None``.
Pyramid = tuple[tuple[Tensor, ...], Tensor | None]


class Pyramids:
    """What a network extracts from each view, at every iteration anew: those of many views would fill the memory. A single
    one is kept.

    Args:
        extract: input → :data:`Pyramid`.
        views: of an image.
    """

    def __init__(self, extract: Callable[[Tensor], Pyramid], views: Sequence[View]) -> None:
        self.extract, self.views = extract, views

    def __iter__(self) -> Iterator[Pyramid]:
        if len(self.views) == 1:
            yield self._single
        else:
            yield from (self.extract(view.inputs) for view in self.views)

    @cached_property
    def _single(self) -> Pyramid:
        return self.extract(self.views[0].inputs)

"""What goes into the ONNX files, as modules of plain tensors.

    B crops, C classes, h, w size of the network input, R, V rows and columns of the pasted region, K places of a detector.
"""
import copy
from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks import Conv2dAdaptivePadding
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mmqanet.errors import InputError
from mmqanet.functional.class_merging import LEFT_OUT
from mmqanet.functional.mirroring import mirrored_classes
from mmqanet.functional.quality import check_weights
from mmqanet.models import TopdownParser
from mmqanet.models.detectors.light_fcos import LightFCOS


class ParserGraph(nn.Module):
    """``parser.onnx``: uint8 RGB crops (B, 3, h, w) → probabilities (B, C, h, w) and raw IoU scores (B,), float32.

    Normalisation, mirror image and merging of classes are inside.

    Args:
        model: in evaluation mode, with ``dataset_meta``; it is copied.

    Raises:
        InputError: the parser is of another kind.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        if not isinstance(model, TopdownParser):
            raise InputError(f'a {type(model).__name__} cannot be exported: only top-down parsers (QANet, SimpleNet) can')
        self.model: Any = folded(model)
        self.bgr = not model.data_preprocessor.bgr_to_rgb
        merging = model.merging or {}
        self.table = merging.get('table')
        pairs = merging.get('flip_pairs', model.dataset_meta['flip_pairs'])
        self.swapped = mirrored_classes(model.parsing_head.num_classes, pairs)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (B, 3, h, w) uint8 RGB → probabilities (B, C, h, w) and IoU scores (B,), both float32."""
        inputs = crops.float()
        if self.bgr:
            inputs = inputs.flip(1)
        inputs = (inputs - self.model.data_preprocessor.mean) / self.model.data_preprocessor.std
        probs, iou = self._network(inputs)
        if self.model.flip_test:
            mirrored, other = self._network(inputs.flip(-1))
            probs, iou = (probs + mirrored[:, self.swapped].flip(-1)) / 2, (iou + other) / 2
        return (_merged(probs, self.table) if self.table else probs), iou

    def _network(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        feature = self.model.neck(self.model.backbone(inputs))
        probs = self.model.parsing_head(feature).softmax(1)
        iou = self.model.iou_head(feature) if self.model.iou_head else probs[:, 0, 0, 0] * 0 + 1
        return probs, iou


class PersonGraph(nn.Module):
    """``person.onnx``: the crop of one person → label map, pixel scores and qualities, the quality-aware module included.

    Inputs: ``crop`` (3, h, w) uint8 RGB; ``window`` (4,) float32, the x1, y1, x2, y2 of the image that the crop shows;
    ``rows`` (R,) and ``columns`` (V,) int64, the pixels of the image to label: all that the window touches, or the scores
    are those of a part; ``box_score`` () float32.
    Outputs: ``label_map`` (R, V) uint8; ``iou`` (), clamped; ``pixel_score`` () and ``part_pixel_scores`` (C-1,), of
    Algorithm 1; ``quality`` () and ``part_qualities`` (C-1,), Eq. 1. Small regions stay as they are.

    Bilinear interpolation is two matrix products, so every operator is a standard one; memory is that of (C, R, V).

    Args:
        network: the parser.
        quality_weights, pixel_score_thr: as in ``QualityAwarePostprocessor``.

    Raises:
        InputError: a threshold of 0, under which scores depend on the size of the image.
    """

    def __init__(self, network: ParserGraph, *, quality_weights: Sequence[float], pixel_score_thr: float) -> None:
        super().__init__()
        if not pixel_score_thr:
            raise InputError('pixel_score_thr: person.onnx needs a threshold above 0')
        self.network, self.threshold = network, pixel_score_thr
        self.shares = check_weights(quality_weights)

    def forward(self, crop: Tensor, window: Tensor, rows: Tensor, columns: Tensor, box_score: Tensor) -> tuple[Tensor, ...]:
        """The outputs of the class in its order, from its inputs."""
        probs, iou = self.network(crop[None])
        probs, iou = probs[0], iou[0].clamp(0, 1)
        num_classes, height, width = probs.shape
        x1, y1, x2, y2 = window.unbind()
        pasted = _hats(rows, y1, y2, height) @ (probs @ _hats(columns, x1, x2, width).T)
        values, labels = pasted.max(0)
        sure = values * (values >= self.threshold)
        masks = [labels == label for label in range(num_classes)]
        sums = torch.stack([(sure * mask).sum(1).sum() for mask in masks])  # by rows: one sum of all pixels loses digits
        counts = torch.stack([((sure > 0) & mask).float().sum() for mask in masks])
        pixel_score = sums.sum() / counts.sum().clamp(min=1e-6)
        part_scores = sums[1:] / counts[1:].clamp(min=1e-6)
        certain = box_score ** self.shares[0] * iou ** self.shares[1]
        label_map = torch.where(values < 1 / num_classes, 0, labels).to(torch.uint8)
        return (label_map, iou, pixel_score, part_scores, certain * pixel_score ** self.shares[2],
                certain * part_scores ** self.shares[2])


class DetectorGraph(nn.Module):
    """``detector.onnx``: a resized image → every place's box and scores; selecting and suppressing is left to the caller.

    Inputs: ``image`` (1, 3, H, W) uint8 RGB, padded to multiples of the network's divisor; ``size`` (2,) int64, height and
    width without the padding. Outputs: ``boxes`` (K, 4) float32 xyxy in pixels within the size, ``classness`` and
    ``centerness`` (K,) in [0, 1], whose product is the score, and ``levels`` (K,) int64, of the pyramid.

    Args:
        model: in evaluation mode; it is copied.

    Raises:
        InputError: another detector.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        if not isinstance(model, LightFCOS):
            raise InputError(f'detector: a {type(model).__name__} cannot be exported, only the light FCOS can '
                             '(detectors of mmdet: with mmdeploy)')
        self.model: Any = _with_fixed_padding(folded(model))

    def forward(self, image: Tensor, size: Tensor) -> tuple[Tensor, ...]:
        """The outputs of the class in its order: boxes, classness, centerness, levels."""
        inside = ((torch.arange(image.shape[2]) < size[0])[:, None] & (torch.arange(image.shape[3]) < size[1])[None]).float()
        inputs = (image.float() - self.model.mean) / self.model.std * inside
        boxes, classness, centerness, levels = self.model.predictions_at(inputs, size.flip(0).float())
        return boxes[0], classness[0], centerness[0], levels[0]


def folded(model: Any) -> Any:
    """A copy on the CPU in which the batch norms of mmcv's ``ConvModule`` are part of the convolutions."""
    model = copy.deepcopy(model).cpu().eval()
    for module in model.modules():
        if isinstance(module, ConvModule) and module.with_norm and isinstance(module.norm, _BatchNorm):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            setattr(module, module.norm_name, nn.Identity())
    return model


def _merged(probs: Tensor, table: Sequence[int]) -> Tensor:
    """As ``merge_classes``, which changes its result in place: a trace would keep the number of crops it saw."""
    sources = [[label for label, target in enumerate(table) if target == merged] for merged in range(max(table) + 1)]
    merged = torch.stack([probs[:, labels].sum(1) for labels in sources], dim=1)
    if LEFT_OUT not in table:
        return merged
    total = merged.sum(1, keepdim=True)
    nothing = (total == 0).float()
    return torch.cat([merged[:, :1] + nothing, merged[:, 1:]], dim=1) / (total + nothing)


def _with_fixed_padding(model: nn.Module) -> nn.Module:
    """Let strided convolutions that pad by the size of their input pad as they do for multiples of their stride: a trace
    would keep the size it saw."""
    for module in model.modules():
        if isinstance(module, ConvModule) and isinstance(module.conv, Conv2dAdaptivePadding):
            conv = module.conv
            (top, bottom), (left, right) = (
                divmod(max((kernel - 1) * dilation + 1 - stride, 0), 2)
                for kernel, dilation, stride in zip(conv.kernel_size, conv.dilation, conv.stride))
            plain = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, dilation=conv.dilation,
                              groups=conv.groups, bias=conv.bias is not None)
            plain.load_state_dict(conv.state_dict())
            module.conv = nn.Sequential(nn.ZeroPad2d((left, left + right, top, top + bottom)), plain)
    return model


def _hats(pixels: Tensor, start: Tensor, stop: Tensor, samples: int) -> Tensor:
    """Bilinear weights (P, samples) of the samples that cover [start, stop] at the centres of pixels (P,); zeros outside."""
    places = (pixels.float() + 0.5 - start) * (samples / (stop - start)) - 0.5
    return (1 - (places[:, None] - torch.arange(samples).float()).abs()).clamp(min=0)

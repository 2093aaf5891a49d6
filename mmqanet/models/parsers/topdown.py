"""The top-down segmentor: a crop of one person in, the label of every pixel and the IoU of the answer out.

    B crops of a batch, C classes, h, w size of the network input, N_i people of image i, S scales.
"""
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.mirroring import average_mirrored_
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample


@MODELS.register_module()
class QANet(BaseModel):
    """Backbone → neck → parsing head and IoU head (paper, figure 3); at test time also the quality-aware module.

    Args:
        backbone (dict): any backbone of mmseg by its plain name, or of mmdet as ``mmdet.NAME``.
        neck (dict | list[dict]): one neck or several in a row, ending in a single feature, e.g. FPN then SemanticFPN.
        parsing_head (dict): config of :class:`ParsingHead`.
        iou_head (dict, optional): config of :class:`IoUHead`; without one the IoU score of everybody is 1.
        postprocessor (dict, optional): config of what turns probabilities into people and image maps; needed to predict.
        data_preprocessor (dict, optional): ``ParsingDataPreprocessor`` by default.
        flip_test (bool): average each crop with its mirror image, left and right classes swapped back. The pairs come
            with the samples (metainfo ``flip_pairs``), so that the data set alone declares them.
        max_crops_per_batch (int): most crops that pass the network at once when predicting; bounds the memory.
        init_cfg (dict, optional): initialisation.
    """

    def __init__(
        self,
        *,
        backbone: dict,
        neck: dict | list[dict],
        parsing_head: dict,
        iou_head: dict | None = None,
        postprocessor: dict | None = None,
        data_preprocessor: dict | None = None,
        flip_test: bool = False,
        max_crops_per_batch: int = 16,
        init_cfg: dict | None = None,
    ):
        super().__init__(MODELS.build(data_preprocessor or dict(type='ParsingDataPreprocessor')), init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.parsing_head = MODELS.build(parsing_head)
        self.iou_head = MODELS.build(iou_head) if iou_head else None
        self.postprocessor = MODELS.build(postprocessor) if postprocessor else None
        self.flip_test = flip_test
        self.max_crops_per_batch = max_crops_per_batch

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Normalised crops (B, 3, h, w) → the feature that both heads share."""
        return self.neck(self.backbone(inputs))

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor'):
        """``mode='loss'``: dict of losses; ``'predict'``: data samples; ``'tensor'``: (logits (B, C, h, w), iou (B,))."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self._forward(inputs)
        raise ValueError(f"mode is {mode!r}, but QANet knows 'loss', 'predict' and 'tensor'")

    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        feature = self.extract_feat(inputs)
        return self.parsing_head(feature), self.iou_head(feature) if self.iou_head else None

    def loss(self, inputs: Tensor, data_samples: list[ParsingDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of normalised crops; ``gt_sem_seg`` of each sample holds its labels."""
        labels = torch.stack([sample.gt_sem_seg.data[0] for sample in data_samples]).long()
        logits, iou = self._forward(inputs)
        losses = self.parsing_head.loss(logits, labels)
        if self.iou_head:
            losses.update(self.iou_head.loss(iou, logits, labels))
        return losses

    @torch.no_grad()
    def predict(self, inputs: list[Tensor], data_samples: list[ParsingDataSample]) -> list[ParsingDataSample]:
        """Parse all people of all images; the samples come back with ``pred_instances``, ``pred_maps``, ``pred_parts``.

        Args:
            inputs: one uint8 tensor (N_i · S, 3, h, w) an image, the S scales of a person side by side.
            data_samples: their samples; metainfo ``crops`` holds the N_i · S ``PersonCrop``, ``ori_shape`` the (H, W),
                ``flip_pairs`` the (left, right) classes.
        """
        if self.postprocessor is None:
            raise InputError('postprocessor: QANet needs one in its config to predict')
        answers = self.crop_answers(inputs, flip_pairs=data_samples[0].flip_pairs)
        for sample in data_samples:
            self.postprocessor.fill(sample, answers, num_classes=self.parsing_head.num_classes)
        return data_samples

    def crop_answers(self, inputs: list[Tensor], *, flip_pairs) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (probabilities (C, h, w), IoU score ()) of every crop in order, at most ``max_crops_per_batch`` ahead."""
        mirrored_classes = list(range(self.parsing_head.num_classes))
        for left, right in flip_pairs:
            mirrored_classes[left], mirrored_classes[right] = right, left
        for chunk in _chunks(inputs, self.max_crops_per_batch):
            yield from zip(*self._answer(self.data_preprocessor.normalize(chunk), mirrored_classes))

    def _answer(self, inputs: Tensor, mirrored_classes: list[int]) -> tuple[Tensor, Tensor]:
        """Normalised crops (B, 3, h, w) → probabilities (B, C, h, w) and IoU scores (B,), flip included."""
        logits, iou = self._forward(inputs)
        probs = logits.float().softmax(1)
        iou = probs.new_ones(len(probs)) if iou is None else iou.float()
        if self.flip_test:
            logits, iou_mirrored = self._forward(inputs.flip(-1))
            probs = average_mirrored_(probs, logits.float().softmax(1), mirrored_classes=mirrored_classes)
            iou = iou if iou_mirrored is None else (iou + iou_mirrored.float()) / 2
        return probs, iou


def _chunks(inputs: list[Tensor], size: int) -> Iterator[Tensor]:
    """The crops of all images in order, ``size`` at a time; all of them never lie side by side."""
    pieces: list[Tensor] = []
    for crops in inputs:
        while len(crops):
            room = size - sum(map(len, pieces))
            pieces.append(crops[:room])
            crops = crops[room:]
            if sum(map(len, pieces)) == size:
                yield torch.cat(pieces)
                pieces = []
    if pieces:
        yield torch.cat(pieces)

"""QANet's mask mode: a crop of one instance and its class in, its mask and the IoU of the mask out.

    B crops of a batch, N_i instances of image i, S scales, K classes, h, w size of the network input, H, W of the image.
"""
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.mask_quality import join_statistics
from mmqanet.functional.pasting import paste_mask
from mmqanet.models.mask_quality import MaskQuality
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample


@MODELS.register_module()
class TopdownSegmenter(BaseModel):
    """Backbone → neck → mask head and IoU head; at test time also the quality-aware module.

    Args:
        backbone, neck (dict): as in :class:`TopdownParser`.
        mask_head (dict): config of :class:`InstanceMaskHead`.
        iou_head (dict, optional): config of :class:`InstanceIoUHead`; without one the IoU score of every mask is 1.
        data_preprocessor (dict, optional): ``ParsingDataPreprocessor`` by default.
        quality (dict, optional): settings of :class:`~mmqanet.models.mask_quality.MaskQuality`.
        flip_test (bool): average each crop with its mirror image.
        max_crops_per_batch (int): most crops that pass the network at once when predicting; bounds the memory.
        init_cfg (dict, optional): initialisation.
    """

    def __init__(self, *, backbone: dict, neck: dict | list[dict], mask_head: dict, iou_head: dict | None = None,
                 data_preprocessor: dict | None = None, quality: dict | None = None, flip_test: bool = False,
                 max_crops_per_batch: int = 16, init_cfg: dict | None = None) -> None:
        super().__init__(MODELS.build(data_preprocessor or dict(type='ParsingDataPreprocessor')), init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.mask_head = MODELS.build(mask_head)
        self.iou_head = MODELS.build(iou_head) if iou_head else None
        self.quality = MaskQuality.from_config(quality)
        self.flip_test = flip_test
        self.max_crops_per_batch = max_crops_per_batch

    def forward(self, inputs: Any, data_samples: list[ParsingDataSample] | None = None, mode: str = 'tensor') -> Any:
        """``mode='loss'``: dict of losses; ``'predict'``: data samples; ``'tensor'``: the shared feature."""
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'predict':
            return self.predict(inputs, data_samples or [])
        return self.neck(self.backbone(inputs))

    def segment(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor | None]:
        """Normalised crops (B, 3, h, w) of classes (B,) → logits (B, h, w) and IoU scores (B,), ``None`` without a head."""
        feature = self.neck(self.backbone(inputs))
        return self.mask_head(feature, labels), self.iou_head(feature, labels) if self.iou_head else None

    def loss(self, inputs: Tensor, data_samples: list[ParsingDataSample]) -> dict[str, Tensor]:
        """Losses of normalised crops; ``gt_sem_seg`` of each sample holds its mask, ``gt_instances`` its class."""
        labels = torch.cat([sample.gt_instances.labels for sample in data_samples])
        masks = torch.stack([sample.gt_sem_seg.data[0] for sample in data_samples])
        logits, iou = self.segment(inputs, labels)
        losses = self.mask_head.loss(logits, masks)
        if self.iou_head:
            losses.update(self.iou_head.loss(iou, logits, masks))
        return losses

    @torch.no_grad()
    def predict(self, inputs: list[Tensor], data_samples: list[ParsingDataSample]) -> list[ParsingDataSample]:
        """Segment the instances in the boxes of all images.

        Args:
            inputs: one uint8 tensor (N_i · S, 3, h, w) an image, the S scales of an instance side by side.
            data_samples: their samples; ``gt_instances`` holds N_i ``bboxes``, ``bbox_scores`` and ``labels``, metainfo
                ``crops`` the N_i · S ``PersonCrop`` and ``ori_shape`` the (H, W).

        Returns:
            The samples with ``pred_instances``: ``bboxes``, ``labels``, ``scores`` (those of the boxes), ``masks``
            (N_i, H, W) bool, ``iou_scores``, ``pixel_scores`` and ``mask_scores``, by which mmdet's metrics rank masks.

        Raises:
            InputError: the crops do not fit the boxes or the inputs.
        """
        for sample, crops in zip(data_samples, inputs):
            boxes = sample.gt_instances
            windows = [crop.window for crop in sample.crops]
            num_scales, rest = divmod(len(windows), max(len(boxes.bboxes), 1))
            if rest or len(crops) != len(windows) or (len(boxes.bboxes) and not num_scales):
                raise InputError(f'crops: {len(windows)} of them, and {len(crops)} inputs, do not fit '
                                 f'{len(boxes.bboxes)} boxes')
            predictions = self._probabilities(crops, boxes.labels.repeat_interleave(num_scales))
            sample.pred_instances = self._paste_all(boxes, windows, predictions, num_scales, tuple(sample.ori_shape[:2]))
        return data_samples

    def _probabilities(self, crops: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (probabilities (h, w), IoU score ()) of every crop in order, flip included."""
        for part, classes in zip(crops.split(self.max_crops_per_batch), labels.split(self.max_crops_per_batch)):
            views = [self.data_preprocessor.normalize(part)]
            if self.flip_test:
                views.append(views[0].flip(-1))
            probs, ious = [], []
            for flipped, view in enumerate(views):
                logits, iou = self.segment(view, classes)
                prob = logits.float().sigmoid()
                probs.append(prob.flip(-1) if flipped else prob)
                ious.append(prob.new_ones(len(prob)) if iou is None else iou.float())
            yield from zip(torch.stack(probs).mean(0), torch.stack(ious).mean(0))

    def _paste_all(self, boxes: InstanceData, windows: Sequence, predictions: Iterator[tuple[Tensor, Tensor]],
                   num_scales: int, shape: tuple[int, int]) -> InstanceData:
        """Paste one instance after the other: memory holds many masks, but the probabilities of few."""
        number, device = len(boxes.bboxes), boxes.bboxes.device
        masks = torch.zeros(number, *shape, dtype=torch.bool, device=device)
        statistics = [self.quality.measure(torch.zeros(0, *shape, device=device))]
        iou_scores = boxes.bbox_scores.new_ones(number)
        for index in range(number):
            probs, ious = zip(*islice(predictions, num_scales))
            first = index * num_scales
            prob, (y, x) = paste_mask(probs, windows[first:first + num_scales], image_shape=shape)
            masks[index, y:y + prob.shape[0], x:x + prob.shape[1]] = prob >= 0.5
            statistics.append(self.quality.measure(prob[None], num_pixels=shape[0] * shape[1]))
            iou_scores[index] = sum(ious) / len(ious)
        pixel = self.quality.pixel_scores(join_statistics(statistics)).to(device)
        quality = self.quality.fuse(boxes.bbox_scores, pixel, iou_scores)
        return InstanceData(bboxes=boxes.bboxes, labels=boxes.labels, scores=boxes.bbox_scores, masks=masks,
                            iou_scores=iou_scores.clamp(0, 1), pixel_scores=pixel, mask_scores=quality)

"""Detections with masks kept on disk, one small file an image, with all that a quality is computed from.

    N detections of an image, T thresholds, H, W size of the image.
"""
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_tools

from mmqanet.analysis.array_folder import ArrayFolder
from mmqanet.functional.mask_quality import MaskStatistics
from mmqanet.functional.quality import fuse_quality

KEYS = ('image_shape', 'bboxes', 'labels', 'scores', 'box_scores', 'iou_scores', 'counts', 'sums', 'lengths', 'runs')


@dataclass(frozen=True)
class Setting:
    """Weights (α, β, γ) of Eq. 1, and threshold and mode of the mask pixel score."""

    weights: tuple[float, ...] = (1.0, 0.0, 1.0)
    threshold: float = 0.25
    mode: str = 'ratio'


@dataclass(frozen=True, kw_only=True)
class KeptDetections:
    """The detections of an image.

    Attributes:
        image_shape: (2,) H, W.
        bboxes: (N, 4) float32 xyxy. labels: (N,) int64, class from 0.
        scores: (N,) float32, the model's. box_scores: (N,) float32, S_b. iou_scores: (N,) float32, S_i, 1 where the model
            predicts none.
        counts, sums: (N, T) of :class:`MaskStatistics`.
        lengths, runs: the masks' compressed run lengths, (N,) bytes of each and all of them in a row.
    """

    image_shape: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    box_scores: np.ndarray
    iou_scores: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    lengths: np.ndarray
    runs: np.ndarray

    @cached_property
    def masks(self) -> list[dict[str, Any]]:
        """The N masks as COCO's compressed run-length encodings."""
        size = self.image_shape.tolist()
        ends = self.lengths.cumsum()
        return [{'size': size, 'counts': self.runs[end - length:end].tobytes()} for length, end in zip(self.lengths, ends)]

    def qualities(self, setting: Setting, thresholds: tuple[float, ...]) -> np.ndarray:
        """(N,) float32 under a setting; ``thresholds`` are the T that ``counts`` and ``sums`` belong to."""
        if not len(self.labels):
            return np.zeros(0, np.float32)
        statistics = MaskStatistics(
            thresholds=thresholds, counts=torch.from_numpy(self.counts), sums=torch.from_numpy(self.sums),
            num_pixels=int(self.image_shape.prod()))
        pixel = statistics.pixel_scores(setting.threshold, setting.mode).float()
        box, iou = torch.from_numpy(self.box_scores).clamp(0, 1), torch.from_numpy(self.iou_scores)
        return fuse_quality(box, iou, pixel, setting.weights).numpy()


class DetectionFolder(ArrayFolder):
    """The detections of one network on one test set."""

    def write(self, name: str, instances: InstanceData, image_shape: tuple[int, int]) -> None:
        """Keep what a model with quality-aware heads found, whose ``quality`` says what to ``keep``."""
        found = instances.cpu()
        number = len(found.scores)
        masks = np.asfortranarray(found.masks.numpy().astype(np.uint8).reshape(number, *image_shape).transpose(1, 2, 0))
        runs = [rle['counts'] for rle in mask_tools.encode(masks)] if number else []
        empty = torch.zeros(0, 0, dtype=torch.float64)
        self.write_arrays(name, dict(
            image_shape=np.array(image_shape), bboxes=found.bboxes.float().numpy(), labels=found.labels.long().numpy(),
            scores=found.scores.float().numpy(), box_scores=found.get('box_scores', found.scores).float().numpy(),
            iou_scores=found.get('mask_ious', torch.ones(number)).float().numpy(),
            counts=found.get('mask_counts', empty.long()).numpy(), sums=found.get('mask_sums', empty).numpy(),
            lengths=np.array([len(run) for run in runs], dtype=np.int64),
            runs=np.frombuffer(b''.join(runs), dtype=np.uint8)))

    def read(self, name: str) -> KeptDetections:
        """The kept detections of an image by its name; raises ``DataError`` where its file is missing or broken."""
        return KeptDetections(**self.read_arrays(name, KEYS))

"""From probability maps of people to scored people and image maps: pasting, quality, merging.

Letters: N people of an image, S scales, C classes, h, w size of a probability map, H, W of the image.
"""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.average_precision import INSTANCE_THRESHOLD
from mmqanet.functional.calibration import QualityCalibration
from mmqanet.functional.merging import MergingRules, merge_people
from mmqanet.functional.pasting import PastedPerson, SemanticContext, paste_person
from mmqanet.functional.people import CroppedPeople
from mmqanet.functional.quality import check_scores, check_threshold, check_weights, fuse_quality
from mmqanet.functional.tile_blending import Tiles
from mmqanet.models.small_regions import absorb_small_regions, check_share
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample
from mmqanet.utils.threads import parallel_map


@MODELS.register_module()
class QualityAwarePostprocessor:
    """Scores what was parsed and merges it into image maps (paper, Algorithm 1 and Eq. 1). Without state.

    The paper's settings are (1, 0.5, 3) for QANet, (1, 0, 0) for SimpleNet and (1, 1, 0) for an IoU head without the
    quality-aware module. The release has (1, 0, 0) for the last as well.

    Args:
        quality_weights (Sequence[float]): weights (α, β, γ) of box, IoU and pixel score in Eq. 1.
        pixel_score_thr (float): T of the pixel scores.
        pixel_score_sweep (Sequence[float]): thresholds at which the pixel scores are kept besides, in the same pass over the
            pixels: for studies of T without another forward pass.
        bbox_score_thr (float): people of a box score at or above it enter the category map. A sample whose metainfo has a
            ``bbox_score_thr`` goes by that.
        category_quality_thr (float, optional): people of a quality at or above it enter the category map instead, painted by
            ascending quality: how the released region-based parsers make it.
        nms_iou_thr (float): mean IoU at or above which the parsing NMS suppresses the lesser person.
        instance_score_thr (float): people at or above it enter the human and part maps. It travels with the sample
            (metainfo ``instance_score_thr``), so that AP^p and PCP count the same people.
        min_region (float): regions of a class that cover a smaller share of a crop go to the next best classes, before
            anything is scored; 0, as in the paper, keeps every speckle.
        calibration (Mapping, optional): what IoU to expect at a quality, as ``QualityCalibration.to_config`` gives it,
            fitted under the same weights and T (``tools/analysis_tools/calibrate_quality.py``). People then have
            ``expected_ious`` and ``expected_part_ious`` besides; qualities and all that they decide stay as they are.

    Raises:
        InputError: a threshold is outside [0, 1], a share outside [0, 1), or the weights are negative or sum to 0.
    """

    def __init__(
        self,
        *,
        quality_weights: Sequence[float] = (1.0, 0.5, 3.0),
        pixel_score_thr: float = 0.2,
        pixel_score_sweep: Sequence[float] = (),
        bbox_score_thr: float = 0.3,
        nms_iou_thr: float = 0.6,
        instance_score_thr: float = INSTANCE_THRESHOLD,
        category_quality_thr: float | None = None,
        min_region: float = 0.0,
        calibration: Mapping[str, Any] | None = None,
    ) -> None:
        check_weights(quality_weights, name='quality_weights')
        thresholds = dict(pixel_score_thr=pixel_score_thr, bbox_score_thr=bbox_score_thr, nms_iou_thr=nms_iou_thr,
                          instance_score_thr=instance_score_thr)
        for name, threshold in thresholds.items():
            check_threshold(threshold, name=name)
        if category_quality_thr is not None:
            check_threshold(category_quality_thr, name='category_quality_thr')
        for threshold in pixel_score_sweep:
            check_threshold(threshold, name='pixel_score_sweep')
        check_share(min_region, name='min_region')
        self.quality_weights = tuple(quality_weights)
        self.pixel_score_thr = pixel_score_thr
        self.pixel_score_sweep = tuple(pixel_score_sweep)
        self.bbox_score_thr = bbox_score_thr
        self.nms_iou_thr = nms_iou_thr
        self.instance_score_thr = instance_score_thr
        self.category_quality_thr = category_quality_thr
        self.min_region = min_region
        self.calibration = QualityCalibration.from_config(calibration) if calibration else None

    def paste(self, probs: Sequence[Tensor], windows: Sequence[Sequence[float]], *, image_shape: tuple[int, int],
              background_below: float | None = None, context: SemanticContext | None = None,
              weights: Sequence[float] | None = None, tiles: Tiles | None = None) -> PastedPerson:
        """Reduce one person's probability maps, one a scale, as ``paste_person`` does; the label map goes to the CPU."""
        run = parallel_map if probs[0].device.type == 'cpu' else map  # passes over whole maps, as in paste_person
        absorb = partial(absorb_small_regions, min_share=self.min_region)
        probs = list(run(absorb, probs))
        if tiles:
            tiles = replace(tiles, probs=list(run(absorb, tiles.probs)))
        thresholds = (self.pixel_score_thr, *self.pixel_score_sweep)
        person = paste_person(probs, windows, image_shape=image_shape, thresholds=thresholds,
                              background_below=background_below, context=context, weights=weights, tiles=tiles)
        return replace(person, label_map=person.label_map.cpu())

    def pack(self, sample: ParsingDataSample, people: Sequence[PastedPerson], *, bboxes: Tensor, bbox_scores: Tensor,
             iou_scores: Iterable[float | Tensor], num_classes: int) -> ParsingDataSample:
        """Write ``pred_instances``, ``pred_maps`` and ``pred_parts`` of an image whose N people are pasted.

        Args:
            sample (ParsingDataSample): with the metainfo ``ori_shape`` (H, W).
            people (Sequence[PastedPerson]): N.
            bboxes (Tensor): (N, 4) xyxy in image pixels.
            bbox_scores (Tensor): (N,) in [0, 1].
            iou_scores (Iterable): N predicted IoU scores, raw: they are clamped to [0, 1] here.
            num_classes (int): C, for the shape of the part scores where the image holds nobody.

        Raises:
            InputError: the numbers of people, boxes and scores differ, or a score is NaN or out of range.
        """
        iou_scores = torch.as_tensor([float(score) for score in iou_scores], dtype=torch.float32)
        if not len(bboxes) == len(bbox_scores) == len(people) == len(iou_scores):
            raise InputError(f'people: {len(people)} with {len(iou_scores)} iou_scores do not fit {len(bboxes)} bboxes '
                             f'with {len(bbox_scores)} bbox_scores')
        check_scores(bbox_scores, name='bbox_scores')
        check_scores(iou_scores, name='iou_scores', clamped=True)
        pixel_scores, part_scores = self._pixel_scores(people, num_classes=num_classes)
        sample.pred_instances = InstanceData(
            bboxes=bboxes.cpu(),
            bbox_scores=bbox_scores.cpu().float(),
            iou_scores=iou_scores.clamp(0, 1),
            pixel_scores=pixel_scores[:, 0],
            part_pixel_scores=part_scores[:, 0],
            label_maps=[person.label_map for person in people],
            offsets=torch.tensor([person.offset for person in people], dtype=torch.int64).view(-1, 2),
        )
        if self.pixel_score_sweep:
            sample.pred_instances.sweep_pixel_scores = pixel_scores[:, 1:]
            sample.pred_instances.sweep_part_pixel_scores = part_scores[:, 1:]
        return self.rescore(sample)

    def _pixel_scores(self, people: Sequence[PastedPerson], *, num_classes: int) -> tuple[Tensor, Tensor]:
        """Pixel scores (N, T) and part pixel scores (N, T, C-1) of all people, at the T thresholds."""
        if people:
            return (torch.stack([person.pixel_scores for person in people]),
                    torch.stack([person.part_pixel_scores for person in people]))
        number = 1 + len(self.pixel_score_sweep)
        return torch.zeros(0, number), torch.zeros(0, number, num_classes - 1)

    def rescore(self, sample: ParsingDataSample) -> ParsingDataSample:
        """Fuse and merge: (re)write qualities, maps and parts from the scores and label maps in ``pred_instances``.

        On a sample that holds a prediction this applies other weights or thresholds without another forward pass.
        """
        people = sample.pred_instances
        scores = people.bbox_scores, people.iou_scores
        people.qualities = fuse_quality(*scores, people.pixel_scores, self.quality_weights)
        people.part_qualities = fuse_quality(*scores, people.part_pixel_scores, self.quality_weights)
        if self.calibration:
            people.expected_ious = _as_scores(self.calibration.people(people.qualities.numpy()))
            people.expected_part_ious = _as_scores(self.calibration.expected_part_ious(people.part_qualities.numpy()))
        parsing, kept = merge_people(
            cropped_people(sample), bbox_scores=people.bbox_scores.numpy(), qualities=people.qualities.numpy(),
            part_qualities=people.part_qualities.numpy(), rules=MergingRules(
                bbox_score_thr=sample.get('bbox_score_thr', self.bbox_score_thr), nms_iou_thr=self.nms_iou_thr,
                instance_score_thr=self.instance_score_thr, category_quality_thr=self.category_quality_thr),
            backdrop=backdrop_of(sample))
        people.kept = torch.zeros(len(people.qualities), dtype=torch.bool)
        people.kept[torch.from_numpy(kept)] = True
        sample.set_metainfo(dict(instance_score_thr=self.instance_score_thr))
        sample.pred_maps = PixelData(
            category=_as_map(parsing.category), human=_as_map(parsing.human), part=_as_map(parsing.part))
        sample.pred_parts = InstanceData(
            labels=torch.from_numpy(parsing.part_labels), scores=torch.from_numpy(parsing.part_scores).float(),
            people=torch.from_numpy(parsing.part_people))
        return sample


def cropped_people(sample: ParsingDataSample) -> CroppedPeople:
    """The predicted people of a sample as arrays."""
    people = sample.pred_instances
    height, width = sample.ori_shape[:2]
    return CroppedPeople([label_map.numpy() for label_map in people.label_maps], people.offsets.numpy(), (height, width))


def backdrop_of(sample: ParsingDataSample) -> np.ndarray | None:
    """The class map (H, W) uint8 that a parser saw beside the people, ``pred_sem_seg``; ``None`` without one."""
    return sample.pred_sem_seg.data[0].numpy() if 'pred_sem_seg' in sample else None


def _as_scores(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array).float()


def _as_map(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array)[None]

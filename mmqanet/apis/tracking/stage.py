"""The step of the inferencer that follows people: parsed frames in, the same frames with identities out."""
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmqanet.apis.inputs import Input
from mmqanet.apis.predictions import Failed, Parsed
from mmqanet.apis.tracking.cuts import SceneCuts
from mmqanet.apis.tracking.flicker import Flicker
from mmqanet.apis.tracking.rules import Tracking
from mmqanet.apis.tracking.smoothing import TrackSmoother
from mmqanet.apis.tracking.tracker import PersonTracker
from mmqanet.apis.videos import Video
from mmqanet.functional.association import PartColours, Sighting, box_iou, mask_iou
from mmqanet.models import BaseParser
from mmqanet.structures import ParsingDataSample

DUPLICATE = 0.6  # similarity from which an unsure person is taken for one who is there already


class TrackingStage:
    """Gives the people of videos their tracks, frame by frame in the order of the stream; pictures pass as they are.

    ``pred_instances.tracks`` (N,) int64 has the number of each visible person, 0 of those who are not. People whom the
    detector is not sure of are taken out unless a track goes on with them, and the maps merged anew. The sample's metainfo
    ``flicker`` and, where probabilities are averaged over time, ``smoothed`` have (pixels that change class, common pixels)
    since the frame before.

    Args:
        model: the parser.
        rules: the options.
        sure_score: the box score from which the people of an input start tracks.
    """

    def __init__(self, model: BaseParser, rules: Tracking, *, sure_score: Callable[[Input], float]) -> None:
        self.model, self.rules, self.sure_score = model, rules, sure_score
        self.item: Any = None

    def take(self, result: Parsed | Failed) -> Parsed | Failed:
        """Write the tracks into the next result of the stream; it is returned."""
        if isinstance(result, Failed) or not isinstance(result.item, Video):
            return result
        if result.item is not self.item:
            self.item, self.tracker, self.cuts = result.item, PersonTracker(self.rules), SceneCuts()
            self.smoother = TrackSmoother(self.model.postprocessor, half_life=self.rules.smooth_seconds)
            self.before, self.after = Flicker(), Flicker()
        if self.cuts.is_cut(result.frame.image):
            for part in (self.tracker, self.smoother, self.before, self.after):
                part.cut()
        self._follow(result.sample, result.frame.image, seconds=result.frame.seconds or 0.0,
                     sure_score=self.sure_score(result.item))
        flicker = dict(flicker=self.before.add(result.sample))
        if self.rules.smooth_seconds:
            self.smoother.smooth(result.sample, seconds=result.frame.seconds or 0.0)
            flicker['smoothed'] = self.after.add(result.sample)
        result.sample.set_metainfo(flicker)
        return result

    def _follow(self, sample: ParsingDataSample, image: np.ndarray, *, seconds: float, sure_score: float) -> None:
        everybody = sample.pred_instances
        sure = everybody.bbox_scores >= sure_score
        if not sure.all():
            sample.pred_instances = everybody[sure]
            self.model.postprocessor.rescore(sample)
        visible = sure.nonzero()[:, 0][np.unique(sample.pred_parts.people.numpy())]
        sight = partial(_sighting, everybody, image=image, num_classes=self.model.num_classes)
        seen = [sight(index) for index in visible]
        others = (~sure).nonzero()[:, 0]
        unsure = [(index, sight(index)) for index in others]
        unsure = [(index, one) for index, one in unsure if one.mask.any() and not any(_same(one, other) for other in seen)]
        numbers, low_numbers = self.tracker.update(seen, [one for _, one in unsure], seconds)
        tracks = torch.zeros(len(sure), dtype=torch.int64)
        tracks[visible] = torch.tensor(numbers, dtype=torch.int64)
        for (index, _), number in zip(unsure, low_numbers):
            tracks[index] = number
        left = sure | (tracks > 0)
        if not torch.equal(left, sure):
            sample.pred_instances = everybody[left]
            self.model.postprocessor.rescore(sample)
        sample.pred_instances.tracks = tracks[left]


def _same(one: Sighting, other: Sighting) -> bool:
    return max(box_iou(one.box, other.box), mask_iou(one, other)) >= DUPLICATE


def _sighting(people: Any, index: Tensor, image: np.ndarray, num_classes: int) -> Sighting:
    """A person of ``pred_instances`` in an image (H, W, 3), the mask cut to its pixels."""
    labels, corner = people.label_maps[int(index)].numpy(), people.offsets[index].numpy()
    rows, columns = (np.flatnonzero(labels.any(axis=axis)) for axis in (1, 0))
    if len(rows):
        labels = labels[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
        corner = corner + [rows[0], columns[0]]
    window = tuple(slice(start, start + side) for start, side in zip(corner, labels.shape))
    return Sighting(people.bboxes[index].double().numpy(), labels > 0, corner,
                    PartColours.of(image[window], labels, num_classes))

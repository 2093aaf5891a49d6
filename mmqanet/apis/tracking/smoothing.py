"""Averaging a person's probabilities over time, which takes flicker out of videos.

Probabilities are averaged where they are on the person, in the box, so that people may move. A frame weighs as much as its
quality. A pixel's past counts as far as it agrees with the present, so that fast limbs do not smear.

Letters: C classes, h, w size of a probability map.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmqanet.functional.association import box_iou
from mmqanet.structures import ParsingDataSample

SAME_PLACE = 0.5  # IoU of boxes below which a person's past is of no use
LONGEST_GAP = 0.5  # seconds


@dataclass(frozen=True, eq=False)
class Memory:
    """What is remembered of a person.

    Attributes:
        probs: averaged maps (C, h, w) half, one a scale.
        weight: the sum of the qualities of its frames, older ones fading.
        box: (4,) the last one. seconds: when.
    """

    probs: Sequence[Tensor]
    weight: float
    box: np.ndarray
    seconds: float


class TrackSmoother:
    """Smooths the people of one video, frame by frame.

    Args:
        postprocessor: pastes and merges.
        half_life: seconds after which a frame has half the weight.
    """

    def __init__(self, postprocessor: Any, *, half_life: float) -> None:
        self.postprocessor, self.half_life = postprocessor, half_life
        self.memories: dict[int, Memory] = {}

    def cut(self) -> None:
        """Forget everybody."""
        self.memories = {}

    def smooth(self, sample: ParsingDataSample, *, seconds: float) -> None:
        """Replace the label maps and pixel scores of people with a track by those of averaged probabilities, and merge."""
        people = sample.pred_instances
        self.memories = {number: memory for number, memory in self.memories.items()
                         if seconds - memory.seconds <= LONGEST_GAP}
        for index, number in enumerate(people.tracks.tolist()):
            if number:
                self._smooth_person(sample, index, number, seconds)
        del people.crop_probs, people.crop_windows
        self.postprocessor.rescore(sample)

    def _smooth_person(self, sample: ParsingDataSample, index: int, number: int, seconds: float) -> None:
        people = sample.pred_instances
        now = Memory(people.crop_probs[index], float(people.qualities[index]), people.bboxes[index].numpy(), seconds)
        before = self.memories.get(number)
        if before is not None and box_iou(before.box, now.box) >= SAME_PLACE:
            past = before.weight * 0.5 ** ((seconds - before.seconds) / self.half_life)
            probs = [blend(*pair, past=past, quality=now.weight) for pair in zip(before.probs, now.probs)]
            now = replace(now, probs=[part.half() for part in probs], weight=now.weight + past)
            pasted = self.postprocessor.paste(probs, people.crop_windows[index], image_shape=sample.ori_shape[:2])
            people.label_maps[index] = pasted.label_map
            people.offsets[index] = torch.tensor(pasted.offset)
            people.pixel_scores[index], people.part_pixel_scores[index] = pasted.pixel_scores[0], pasted.part_pixel_scores[0]
        self.memories[number] = now


def blend(before: Tensor, now: Tensor, *, past: float, quality: float) -> Tensor:
    """The mean of two probability maps (C, h, w), float32.

    The present weighs ``quality``. The past weighs ``past`` times the square of its agreement with the present at that
    pixel, which is the intersection of the two distributions, 1 where they are equal and 0 where they share no class.
    """
    before, now = before.float(), now.float()
    weight = past * torch.minimum(before, now).sum(0)**2
    share = weight / (weight + quality).clamp(min=torch.finfo(torch.float32).tiny)
    return torch.lerp(now, before, share)

"""What is drawn of an image, as plain arrays, and where it comes from in a data sample.

    H, W size of the image, C classes, N people, K parts (a class on a person).
"""
from dataclasses import dataclass, replace

import numpy as np

from mmqanet.errors import InputError
from mmqanet.structures import ParsingDataSample

IGNORE = 255


@dataclass(frozen=True, kw_only=True)
class ParsingArrays:
    """The people and parts of one image.

    Attributes:
        category: (H, W) uint8, class per pixel, 0 background, 255 ignored.
        human: (H, W) integer, person per pixel, 0 none.
        part: (H, W) integer, 1-based index into the ``part_*`` arrays, 0 none.
        part_labels: (K,) class in [1, C) of each part.
        part_qualities: (K,) in [0, 1], ``None`` for an annotation.
        person_qualities: (N,) in [0, 1], that of person i of ``human`` at i - 1; ``None`` for an annotation.
    """

    category: np.ndarray
    human: np.ndarray
    part: np.ndarray
    part_labels: np.ndarray
    part_qualities: np.ndarray | None = None
    person_qualities: np.ndarray | None = None

    def enlarged(self, zoom: int) -> 'ParsingArrays':
        """Every pixel as ``zoom`` × ``zoom`` pixels."""
        category, human, part = (labels.repeat(zoom, 0).repeat(zoom, 1)
                                 for labels in (self.category, self.human, self.part))
        return replace(self, category=category, human=human, part=part)


def predicted(sample: ParsingDataSample) -> ParsingArrays:
    """The prediction: ``pred_maps``, ``pred_instances.qualities`` and, if there, ``pred_parts``."""
    category, human = (_map(getattr(sample.pred_maps, key)) for key in ('category', 'human'))
    qualities = sample.pred_instances.qualities.cpu().numpy()
    if 'pred_parts' not in sample:
        part, labels = find_parts(category, human)
        return ParsingArrays(category=category.astype(np.uint8), human=human, part=part, part_labels=labels,
                             person_qualities=qualities)
    return ParsingArrays(
        category=category.astype(np.uint8), human=human, part=_map(sample.pred_maps.part),
        part_labels=sample.pred_parts.labels.cpu().numpy(), part_qualities=sample.pred_parts.scores.cpu().numpy(),
        person_qualities=qualities)


def annotated(sample: ParsingDataSample) -> ParsingArrays:
    """The ground truth: ``gt_maps``; without a human map, everything labelled is one person."""
    if 'gt_maps' not in sample or 'category' not in sample.gt_maps:
        raise InputError('the sample has no annotation: gt_maps.category is missing')
    category = _map(sample.gt_maps.category).astype(np.uint8)
    labelled = (category > 0) & (category != IGNORE)
    human = _map(sample.gt_maps.human) if 'human' in sample.gt_maps else labelled.astype(np.int32)
    part, labels = find_parts(np.where(labelled, category, 0), human)
    return ParsingArrays(category=category, human=human, part=part, part_labels=labels)


def find_parts(category: np.ndarray, human: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the (person, class) pairs of two (H, W) maps, by person then class.

    Returns:
        (H, W) int32, 1-based part per pixel, 0 where either map is 0; and (K,) int64 classes.
    """
    pairs = human.astype(np.int64) * 256 + category
    pairs[(category == 0) | (human == 0)] = 0
    present = np.flatnonzero(np.bincount(pairs.ravel())[1:]) + 1
    numbers = np.zeros(pairs.max(initial=0) + 1, dtype=np.int32)
    numbers[present] = np.arange(1, len(present) + 1)
    return numbers[pairs], present % 256


def _map(pixels) -> np.ndarray:
    return pixels[0].cpu().numpy()

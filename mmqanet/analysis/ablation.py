"""Metrics under many settings of the quality-aware module, from one set of predictions.

Letters: S settings, P people of all images, C classes, T thresholds.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mmqanet.analysis.orderings import ImageOutcomes, image_outcomes
from mmqanet.analysis.predictions import ImageScores, PredictionCache
from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.records import METRIC_NAMES, ImageRecord
from mmqanet.evaluation.scores import ParsingScores, score_records
from mmqanet.functional.average_precision import MaskMatches, PersonMatches
from mmqanet.functional.merging import MergingRules
from mmqanet.functional.quality import fuse_quality
from mmqanet.structures.image_truth import IGNORE, ImageTruth, read_truth
from mmqanet.utils.processes import run_many


@dataclass(frozen=True)
class Setting:
    """Weights (α, β, γ) of Eq. 1 and threshold T of Algorithm 1."""

    weights: tuple[float, ...]
    threshold: float


class PooledScores:
    """The scores of all people of a test set, fused image-blind.

    Args:
        images: scores of every image, in order.
        thresholds: those of their T axis.
    """

    def __init__(self, images: Sequence[ImageScores], thresholds: Sequence[float]) -> None:
        self.thresholds = list(thresholds)
        counts = [len(image.bbox_scores) for image in images]
        self.starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.box, self.iou, self.pixel, self.part_pixel = (
            torch.from_numpy(np.concatenate([getattr(image, name) for image in images]))
            for name in ('bbox_scores', 'iou_scores', 'pixel_scores', 'part_pixel_scores'))

    def qualities(self, setting: Setting) -> np.ndarray:
        """(P,) float32."""
        return fuse_quality(self.box, self.iou, self.pixel[:, self._column(setting)], setting.weights).numpy()

    def part_qualities(self, setting: Setting) -> np.ndarray:
        """(P, C-1) float32."""
        return fuse_quality(self.box, self.iou, self.part_pixel[:, self._column(setting)], setting.weights).numpy()

    def _column(self, setting: Setting) -> int:
        if setting.threshold not in self.thresholds:
            raise InputError(f'threshold {setting.threshold} is none of those predicted for, {self.thresholds}')
        return self.thresholds.index(setting.threshold)


@dataclass(frozen=True)
class _Job:
    """Work one image out in a worker process."""

    cache: PredictionCache
    classes: tuple[str, ...]
    rules: MergingRules
    labels: np.ndarray | None = None

    def __call__(self, item: tuple[dict, np.ndarray]) -> ImageOutcomes:
        info, qualities = item
        name = info['name']
        people, parsing_ids = self.cache.people(name)
        truth = truth_of(info, shape=people.image_shape, classes=self.classes, labels=self.labels)
        return image_outcomes(
            name=name, people=people, parsing_ids=parsing_ids, bbox_scores=self.cache.scores(name).bbox_scores,
            qualities=qualities, truth=truth, num_classes=num_classes_of(self.classes, self.labels), rules=self.rules,
            backdrop=self.cache.backdrop(name))


def num_classes_of(classes: Sequence[str], labels: np.ndarray | None) -> int:
    """C of the predictions: of a data set's ``classes``, or of what ``labels`` (256,) makes of its labels."""
    return len(classes) if labels is None else int(labels[labels != IGNORE].max()) + 1


def truth_of(info: dict, *, shape: tuple[int, int], classes: Sequence[str], labels: np.ndarray | None = None) -> ImageTruth:
    """The annotation that an image's record in a :class:`HumanParsingDataset` points to.

    With ``labels`` (256,), from :func:`~mmqanet.functional.partial_labels.merged_labels`, it is that of merged classes.

    Raises:
        DataError: a file is missing or broken, or the data set has no human or instance maps.
    """
    check_map_paths(info)
    partial = info.get('num_partial_labels', 0)
    paths = info['category_path'], info['human_path'], info['instance_path']
    if labels is None:
        return read_truth(*paths, num_classes=len(classes), num_partial_labels=partial, shape=shape)
    return read_truth(*paths, num_classes=len(classes) + partial, shape=shape).relabelled(labels)


def check_map_paths(info: dict) -> None:
    """Raise a DataError unless an image's record points to all maps that the metrics need."""
    for kind in ('category', 'human', 'instance'):
        if f'{kind}_path' not in info:
            raise DataError(f'{info["name"]}: the data set has no {kind} maps (data_prefix), which AP^p and AP^r need')


def work_out(cache: PredictionCache, infos: Sequence[dict], scores: PooledScores, settings: Sequence[Setting], *,
             classes: Sequence[str], rules: MergingRules, labels: np.ndarray | None = None, workers: int = 1,
             progress: bool = False) -> list[ImageOutcomes]:
    """All images under all settings, in several processes.

    Args:
        cache: with the predictions of the images that ``infos`` describe, and ``scores`` theirs.
        classes: names of the annotation's, background first.
        labels: where predictions are of merged classes, what the annotation's labels become, as in :func:`truth_of`.
        workers: processes; the result does not depend on it.
    """
    if workers < 1:
        raise InputError(f'workers must be at least 1, got {workers}')
    qualities = np.stack([scores.qualities(setting) for setting in settings])
    items = ((info, qualities[:, first:last]) for info, first, last in zip(infos, scores.starts, scores.starts[1:]))
    job = _Job(cache, tuple(classes), rules, labels)
    return run_many(job, items, title='Comparing', workers=workers, progress=progress)


def score_setting(images: Sequence[ImageOutcomes], scores: PooledScores, settings: Sequence[Setting], index: int, *,
                  missing: str = 'release', metrics: Sequence[str] = METRIC_NAMES) -> ParsingScores:
    """The metrics under ``settings[index]``, where ``images`` were worked out under ``settings``."""
    qualities = scores.qualities(settings[index]).astype(np.float64)
    part_qualities = scores.part_qualities(settings[index])
    num_classes = part_qualities.shape[1] + 1
    records = [
        _record(image, index, qualities[first:last], part_qualities[first:last])
        for image, first, last in zip(images, scores.starts, scores.starts[1:])]
    return score_records(records, num_classes=num_classes, missing=missing, metrics=metrics)


def _record(image: ImageOutcomes, setting: int, qualities: np.ndarray, part_qualities: np.ndarray) -> ImageRecord:
    """The record that the metric would have made of one image."""
    which = image.which[setting]
    outcome = image.outcomes[which]
    people = PersonMatches(scores=qualities[outcome.ranked], hits=outcome.hits, correct_parts=outcome.correct_parts,
                           num_people=image.num_people)
    part_scores = part_qualities[outcome.part_people, outcome.part_labels - 1]
    parts = MaskMatches(labels=outcome.part_labels, scores=part_scores, ious=outcome.part_ious, num_masks=image.num_parts)
    visible = outcome.visible_people
    humans = MaskMatches(labels=np.zeros_like(visible), scores=qualities[visible], ious=outcome.people_ious,
                         num_masks=np.array([image.num_people]))
    return ImageRecord(name=image.name, predicted=len(qualities) > 0, pairs=image.pairs[which],
                       counts=image.counts[which],
                       people=people, parts=parts, humans=humans)


def simplex_weights(steps: int) -> list[tuple[float, float, float]]:
    """All shares (α, β, γ) that are multiples of 1 / ``steps`` and sum to 1.

    Eq. 1 depends on the weights through their shares alone, so these are all there is between the three single scores;
    18 steps hold the paper's (1, 0.5, 3).
    """
    if steps < 1:
        raise InputError(f'steps must be at least 1, got {steps}')
    return [(a / steps, b / steps, (steps - a - b) / steps) for a in range(steps + 1) for b in range(steps - a + 1)]

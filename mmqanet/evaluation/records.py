"""One image reduced to what its metrics need: counts and matches, never maps.

Letters: N predicted people, K predicted masks, L annotated parts, C classes with background as class 0, H, W the image.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.functional.average_precision import (
    INSTANCE_THRESHOLD,
    MaskMatches,
    PersonMatches,
    match_masks,
    match_people,
)
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.overlaps import check_classes, confusion_matrix, distinct, mask_ious, runs
from mmqanet.functional.people import CroppedPeople, people_class_ious
from mmqanet.structures.image_truth import ImageTruth

#: The metrics that can be asked for; 'mIoU' stands for mIoU, mAcc and aAcc.
METRIC_NAMES = ('mIoU', 'APp', 'PCP', 'APr', 'APh')

Value = TypeVar('Value')


@dataclass(frozen=True)
class Masks:
    """Scored masks of a map: ``map`` (H, W) holds id ``ids[k]`` where mask k lies; ``labels`` and ``scores`` (K,)."""

    map: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class People:
    """The people that AP^p and PCP compare, whole: ``crops``, and instance scores ``qualities`` (N,), of whom those below
    ``score_thr`` do not count."""

    crops: CroppedPeople
    qualities: np.ndarray
    score_thr: float = INSTANCE_THRESHOLD


@dataclass(frozen=True)
class ImagePrediction:
    """Prediction for one image: the class map ``category`` (H, W), the visible people ``humans`` (label 0) and visible
    ``parts``, and the ``people`` that AP^p and PCP compare; what no metric needs may be None."""

    category: np.ndarray
    humans: Masks | None = None
    parts: Masks | None = None
    people: People | None = None

    @classmethod
    def of(cls, parsing: ImageParsing, people: People) -> 'ImagePrediction':
        """From a predicted image, whose parts and people have scores, and the people to compare."""
        assert parsing.part_scores is not None
        assert parsing.person_scores is not None
        ids, part_ids = distinct(parsing.human), np.arange(1, len(parsing.part_labels) + 1)
        return cls(
            category=parsing.category, people=people,
            humans=Masks(parsing.human, ids, np.zeros(len(ids), dtype=np.int64), parsing.person_scores[ids - 1]),
            parts=Masks(parsing.part, part_ids, parsing.part_labels, parsing.part_scores))


@dataclass(frozen=True)
class ImageRecord:
    """What is kept of an image.

    ``predicted`` is False where nothing was predicted for it. ``pairs`` and ``counts`` are the cells of the confusion
    matrix that are not 0, ``pairs`` = label * C + prediction.
    """

    name: str
    predicted: bool
    pairs: np.ndarray
    counts: np.ndarray
    people: PersonMatches | None
    parts: MaskMatches | None
    humans: MaskMatches | None


def check_metric_names(metrics: Sequence[str]) -> tuple[str, ...]:
    """``metrics`` as a tuple, or an InputError that names the unknown one."""
    if isinstance(metrics, str):
        metrics = (metrics,)
    for name in metrics:
        if name not in METRIC_NAMES:
            raise InputError(f'metrics: unknown metric {name!r}, choose from {", ".join(METRIC_NAMES)}')
    if not metrics:
        raise InputError(f'metrics is empty, choose from {", ".join(METRIC_NAMES)}')
    return tuple(metrics)


def record_image(*, name: str, truth: ImageTruth, prediction: ImagePrediction | None, num_classes: int,
                 metrics: Sequence[str] = METRIC_NAMES) -> ImageRecord:
    """Match one image; ``prediction`` None means that nothing was predicted for it.

    Raises:
        DataError: sizes differ, a field that a metric needs is missing, a class is out of range or a score is not
            finite; the message names the image.
    """
    metrics = check_metric_names(metrics)
    predicted = prediction is not None
    if prediction is None:
        prediction = _empty_prediction(truth.category.shape)
    pairs: np.ndarray = np.zeros(0, dtype=np.int32)
    counts = pairs
    people = parts = humans = None
    try:
        _check_sizes(truth, prediction)
        lines, pred_lines, lengths = _run_code(truth, prediction)
        if 'mIoU' in metrics:
            confusion = confusion_matrix(pred_lines.category, lines.category, num_classes, lengths=lengths).ravel()
            pairs = np.flatnonzero(confusion).astype(np.int32)
            counts = confusion[pairs].astype(np.int32)
        if 'APp' in metrics or 'PCP' in metrics:
            people = _match_people(truth, _needed(prediction.people, 'predicted people', 'APp and PCP'),
                                   distinct(_needed(lines.human, 'ground-truth human map', 'APp and PCP')), num_classes)
        if 'APr' in metrics:
            table = _needed(truth.parts, 'ground-truth part table', 'APr')
            parts = _match_masks(_needed(pred_lines.parts, 'predicted parts', 'APr'),
                                 _needed(lines.instance, 'ground-truth instance map', 'APr'),
                                 table[:, 0], table[:, 1], num_classes, lengths)
        if 'APh' in metrics:
            human = _needed(lines.human, 'ground-truth human map', 'APh')
            ids = distinct(human)
            humans = _match_masks(_needed(pred_lines.humans, 'predicted human map', 'APh'), human, ids,
                                  np.zeros(len(ids), dtype=np.int64), 1, lengths)
    except InputError as error:
        raise DataError(f'{name}: {error}') from None
    return ImageRecord(name=name, predicted=predicted, pairs=pairs, counts=counts, people=people, parts=parts,
                       humans=humans)


def _run_code(truth: ImageTruth, prediction: ImagePrediction) -> tuple[ImageTruth, ImagePrediction, np.ndarray]:
    """Both with their image maps replaced by the values of their common runs, and the lengths of these."""
    humans, parts = prediction.humans, prediction.parts
    maps = {'gt_category': truth.category, 'gt_human': truth.human, 'gt_instance': truth.instance,
            'category': prediction.category, 'humans': humans.map if humans else None,
            'parts': parts.map if parts else None}
    present = {key: values for key, values in maps.items() if values is not None}
    values, lengths = runs(*present.values())
    line = dict(zip(present, values))
    truth = ImageTruth(line['gt_category'], line.get('gt_human'), line.get('gt_instance'), truth.parts)
    prediction = replace(
        prediction, category=line['category'], humans=replace(humans, map=line['humans']) if humans else None,
        parts=replace(parts, map=line['parts']) if parts else None)
    return truth, prediction, lengths


def _match_people(truth: ImageTruth, people: People, ids: np.ndarray, num_classes: int) -> PersonMatches:
    assert truth.human is not None  # ids come from it
    people.crops.check(num_classes, qualities=people.qualities)
    class_ious, areas = people_class_ious(people.crops, truth.category, truth.human, ids, num_classes)
    return match_people(class_ious, np.asarray(people.qualities, dtype=np.float64), areas, score_threshold=people.score_thr)


def _match_masks(masks: Masks, gt_map: np.ndarray, gt_ids: np.ndarray, gt_labels: np.ndarray, num_classes: int,
                 lengths: np.ndarray) -> MaskMatches:
    if not np.isfinite(masks.scores).all():
        raise InputError('a predicted score is NaN or infinite')
    check_classes(masks.labels, num_classes, name='the predicted parts')
    check_classes(gt_labels, num_classes, name='the ground-truth part table')
    ious = mask_ious(masks.map, gt_map, masks.ids, gt_ids, lengths=lengths)
    return match_masks(ious, masks.labels, masks.scores, gt_labels, num_classes)


def _empty_prediction(shape: tuple[int, ...]) -> ImagePrediction:
    nothing, none = np.zeros(shape, dtype=np.uint8), np.zeros(0, dtype=np.int64)
    masks = Masks(map=nothing, ids=none, labels=none, scores=np.zeros(0))
    people = People(CroppedPeople.nobody((shape[0], shape[1])), qualities=np.zeros(0))
    return ImagePrediction(category=nothing, humans=masks, parts=masks, people=people)


def _needed(value: Value | None, what: str, metric: str) -> Value:
    if value is None:
        raise InputError(f'{metric} needs the {what}, which is missing')
    return value


def _check_sizes(truth: ImageTruth, prediction: ImagePrediction) -> None:
    maps = {'ground-truth human map': truth.human, 'ground-truth instance map': truth.instance,
            'predicted category map': prediction.category,
            'predicted human map': prediction.humans.map if prediction.humans else None,
            'predicted part map': prediction.parts.map if prediction.parts else None}
    for what, values in maps.items():
        if values is not None and values.shape != truth.category.shape:
            raise InputError(f'the {what} is {_size(values)}, but the ground-truth category map is '
                             f'{_size(truth.category)}')


def _size(values: np.ndarray) -> str:
    return f'{values.shape[1]}x{values.shape[0]}' if values.ndim == 2 else f'of shape {values.shape}'

"""One image reduced to what its metrics need: counts and matches, never maps.

Letters: N predicted people, K predicted masks, L annotated parts, C classes with background as class 0, H, W the image.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.functional.average_precision import MaskMatches, PersonMatches, match_masks, match_people
from mmqanet.functional.merging import check_people
from mmqanet.functional.overlaps import check_classes, confusion_matrix, mask_ious, people_class_ious

#: The metrics that can be asked for; 'mIoU' stands for mIoU, mAcc and aAcc.
METRIC_NAMES = ('mIoU', 'APp', 'PCP', 'APr', 'APh')

Value = TypeVar('Value')


@dataclass(frozen=True)
class ImageTruth:
    """Annotation of one image.

    ``category``, ``human``, ``instance``: (H, W) integers, class, person id and part id of each pixel (the last two may
    be None where no metric needs them). ``parts``: (L, 3) rows (part id, class, human id) of ``instance``.
    """

    category: np.ndarray
    human: np.ndarray | None = None
    instance: np.ndarray | None = None
    parts: np.ndarray | None = None


@dataclass(frozen=True)
class Masks:
    """Scored masks of a map: ``map`` (H, W) holds id ``ids[k]`` where mask k lies; ``labels`` and ``scores`` (K,)."""

    map: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class People:
    """Whole people: N ``label_maps`` as crops, their ``offsets`` (N, 2) and instance scores ``qualities`` (N,)."""

    label_maps: Sequence[np.ndarray]
    offsets: np.ndarray
    qualities: np.ndarray


@dataclass(frozen=True)
class ImagePrediction:
    """Prediction for one image: the class map ``category`` (H, W), the visible people ``humans`` (label 0) and visible
    ``parts``, and the ``people`` that AP^p and PCP compare; what no metric needs may be None."""

    category: np.ndarray
    humans: Masks | None = None
    parts: Masks | None = None
    people: People | None = None


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
        if 'mIoU' in metrics:
            confusion = confusion_matrix(prediction.category, truth.category, num_classes).ravel()
            pairs = np.flatnonzero(confusion).astype(np.int32)
            counts = confusion[pairs].astype(np.int32)
        if 'APp' in metrics or 'PCP' in metrics:
            people = _match_people(truth, prediction, num_classes)
        if 'APr' in metrics:
            table = _needed(truth.parts, 'ground-truth part table', 'APr')
            parts = _match_masks(_needed(prediction.parts, 'predicted parts', 'APr'),
                                 _needed(truth.instance, 'ground-truth instance map', 'APr'),
                                 table[:, 0], table[:, 1], num_classes)
        if 'APh' in metrics:
            human = _needed(truth.human, 'ground-truth human map', 'APh')
            ids = person_ids(human)
            humans = _match_masks(_needed(prediction.humans, 'predicted human map', 'APh'), human, ids,
                                  np.zeros(len(ids), dtype=np.int64), 1)
    except InputError as error:
        raise DataError(f'{name}: {error}') from None
    return ImageRecord(name=name, predicted=predicted, pairs=pairs, counts=counts, people=people, parts=parts,
                       humans=humans)


def person_ids(human: np.ndarray) -> np.ndarray:
    """The distinct ids above 0 of a person map, ascending."""
    ids = np.flatnonzero(np.bincount(human.ravel()))
    return ids[ids > 0]


def _match_people(truth: ImageTruth, prediction: ImagePrediction, num_classes: int) -> PersonMatches:
    people = _needed(prediction.people, 'predicted people', 'APp and PCP')
    human = _needed(truth.human, 'ground-truth human map', 'APp and PCP')
    check_people(label_maps=people.label_maps, offsets=people.offsets, image_shape=truth.category.shape,
                 num_classes=num_classes, scores={'qualities': people.qualities})
    class_ious, areas = people_class_ious(
        people.label_maps, people.offsets, truth.category, human, person_ids(human), num_classes)
    return match_people(class_ious, np.asarray(people.qualities, dtype=np.float64), areas)


def _match_masks(masks: Masks, gt_map: np.ndarray, gt_ids: np.ndarray, gt_labels: np.ndarray,
                 num_classes: int) -> MaskMatches:
    if not np.isfinite(masks.scores).all():
        raise InputError('a predicted score is NaN or infinite')
    check_classes(masks.labels, num_classes, name='the predicted parts')
    check_classes(gt_labels, num_classes, name='the ground-truth part table')
    return match_masks(mask_ious(masks.map, gt_map, masks.ids, gt_ids), masks.labels, masks.scores, gt_labels,
                       num_classes)


def _empty_prediction(shape: tuple[int, ...]) -> ImagePrediction:
    nothing, none = np.zeros(shape, dtype=np.uint8), np.zeros(0, dtype=np.int64)
    masks = Masks(map=nothing, ids=none, labels=none, scores=np.zeros(0))
    people = People(label_maps=[], offsets=np.zeros((0, 2), dtype=np.int64), qualities=np.zeros(0))
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

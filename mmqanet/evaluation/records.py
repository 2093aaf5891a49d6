"""One image reduced to what its metrics need: counts and matches, never maps.

Letters: N predicted people, K predicted masks, L annotated parts, C classes with background as class 0, H, W the image.
"""
from collections.abc import Sequence
from dataclasses import dataclass
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
from mmqanet.functional.boundaries import TRIMAP_REACHES, boundary_counts, trimap_counts
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.overlaps import check_classes, confusion_matrix, distinct, mask_ious, runs
from mmqanet.functional.people import CroppedPeople, people_class_ious
from mmqanet.structures.image_truth import ImageTruth

#: The metrics that are computed unless others are asked for; 'mIoU' stands for mIoU, mAcc and aAcc.
METRIC_NAMES = ('mIoU', 'APp', 'PCP', 'APr', 'APh')
#: Those that must be asked for: mean Boundary IoU and trimap IoU.
BORDER_METRICS = ('mBIoU', 'mTIoU')
ALL_METRICS = (*METRIC_NAMES, *BORDER_METRICS)
#: Those that need class maps alone.
SEMANTIC_METRICS = ('mIoU', *BORDER_METRICS)

CATEGORY, HUMAN, PART = (f'ground-truth {kind} map' for kind in ('category', 'human', 'part'))
Value = TypeVar('Value')


@dataclass(frozen=True)
class People:
    """The people that AP^p and PCP compare, whole: ``crops``, and instance scores ``qualities`` (N,), of whom those below
    ``score_thr`` do not count."""

    crops: CroppedPeople
    qualities: np.ndarray
    score_thr: float = INSTANCE_THRESHOLD


@dataclass(frozen=True)
class ImageRecord:
    """What is kept of an image.

    ``predicted`` is False where nothing was predicted for it. ``pairs`` and ``counts`` are the cells of the confusion
    matrix that are not 0, ``pairs`` = label * C + prediction. ``boundary`` (2, C) and ``trimap`` (T, 2, C), for each of the
    ``TRIMAP_REACHES``, are intersections and unions near borders.
    """

    name: str
    predicted: bool
    pairs: np.ndarray
    counts: np.ndarray
    people: PersonMatches | None
    parts: MaskMatches | None
    humans: MaskMatches | None
    boundary: np.ndarray | None = None
    trimap: np.ndarray | None = None


def check_metric_names(metrics: Sequence[str], known: Sequence[str] = ALL_METRICS) -> tuple[str, ...]:
    """``metrics`` as a tuple, or an InputError that names the one that is none of ``known``."""
    if isinstance(metrics, str):
        metrics = (metrics,)
    for name in metrics:
        if name not in known:
            raise InputError(f'metrics: unknown metric {name!r}, choose from {", ".join(known)}')
    if not metrics:
        raise InputError(f'metrics is empty, choose from {", ".join(known)}')
    return tuple(metrics)


def needs_maps_only(metrics: Sequence[str]) -> bool:
    """Whether the class maps are all that these metrics read."""
    return set(metrics) <= set(SEMANTIC_METRICS)


def record_image(*, name: str, truth: ImageTruth, parsing: ImageParsing | None, people: People | None = None,
                 num_classes: int, metrics: Sequence[str] = METRIC_NAMES) -> ImageRecord:
    """Match one image.

    Args:
        name: of the image, for errors.
        truth: the annotation.
        parsing: what was predicted, with the scores of parts and people; ``None`` where nothing was predicted.
        people: those that AP^p and PCP compare.
        num_classes: C.
        metrics: of :data:`ALL_METRICS`.

    Raises:
        DataError: sizes differ, a field that a metric needs is missing, a class is out of range or a score is not
            finite; the message names the image.
    """
    metrics, predicted = check_metric_names(metrics), parsing is not None
    if parsing is None:
        shape = truth.category.shape[0], truth.category.shape[1]
        parsing = ImageParsing.of_nobody(np.zeros(shape, dtype=np.uint8))
        people = People(CroppedPeople.nobody(shape), qualities=np.zeros(0))
    pairs: np.ndarray = np.zeros(0, dtype=np.int32)
    counts = pairs
    matched = parts = humans = boundary = trimap = None
    try:
        lines = _Lines(truth, parsing, metrics)
        if 'mIoU' in metrics:
            confusion = confusion_matrix(
                lines['predicted category map'], lines[CATEGORY], num_classes, lengths=lines.lengths).ravel()
            pairs = np.flatnonzero(confusion).astype(np.int32)
            counts = confusion[pairs].astype(np.int32)
        if 'mBIoU' in metrics:
            boundary = boundary_counts(parsing.category, truth.category, num_classes)
        if 'mTIoU' in metrics:
            trimap = np.stack([trimap_counts(parsing.category, truth.category, num_classes, reach=reach)
                               for reach in TRIMAP_REACHES])
        if 'APp' in metrics or 'PCP' in metrics:
            matched = _match_people(truth, _needed(people, 'predicted people', 'APp and PCP'), distinct(lines[HUMAN]),
                                    num_classes)
        if 'APr' in metrics:
            parts = _match_parts(lines, truth, parsing, num_classes)
        if 'APh' in metrics:
            humans = _match_humans(lines, parsing)
    except InputError as error:
        raise DataError(f'{name}: {error}') from None
    return ImageRecord(name=name, predicted=predicted, pairs=pairs, counts=counts, people=matched, parts=parts,
                       humans=humans, boundary=boundary, trimap=trimap)


class _Lines:
    """The maps that metrics need, by name, as the values of their common runs, whose ``lengths`` are the pixels.

    Raises:
        InputError: one is missing or has another size than the annotated class map.
    """

    def __init__(self, truth: ImageTruth, parsing: ImageParsing, metrics: Sequence[str]) -> None:
        maps = {CATEGORY: truth.category, 'predicted category map': parsing.category}
        if {'APp', 'PCP', 'APh'} & set(metrics):
            maps[HUMAN] = _needed(truth.human, HUMAN, 'APh' if 'APh' in metrics else 'APp and PCP')
        if 'APh' in metrics:
            maps['predicted human map'] = parsing.human
        if 'APr' in metrics:
            maps[PART] = _needed(truth.part, PART, 'APr')
            maps['predicted part map'] = parsing.part
        for what, values in maps.items():
            if values.shape != truth.category.shape:
                raise InputError(f'the {what} is {_size(values)}, but the {CATEGORY} is {_size(truth.category)}')
        lines, self.lengths = runs(*maps.values())
        self._lines = dict(zip(maps, lines))

    def __getitem__(self, what: str) -> np.ndarray:
        return self._lines[what]


def _match_people(truth: ImageTruth, people: People, ids: np.ndarray, num_classes: int) -> PersonMatches:
    assert truth.human is not None  # ids come from it
    people.crops.check(num_classes, qualities=people.qualities)
    class_ious, areas = people_class_ious(people.crops, truth.category, truth.human, ids, num_classes)
    return match_people(class_ious, np.asarray(people.qualities, dtype=np.float64), areas, score_threshold=people.score_thr)


def _match_parts(lines: _Lines, truth: ImageTruth, parsing: ImageParsing, num_classes: int) -> MaskMatches:
    """The visible parts with the annotated ones, class by class."""
    table = _needed(truth.parts, 'ground-truth part table', 'APr')
    scores = _checked_scores(parsing.part_scores, 'scores of the predicted parts', 'APr')
    check_classes(parsing.part_labels, num_classes, name='the predicted parts')
    check_classes(table[:, 1], num_classes, name='the ground-truth part table')
    ious = mask_ious(lines['predicted part map'], lines[PART], np.arange(1, len(parsing.part_labels) + 1), table[:, 0],
                     lengths=lines.lengths)
    return match_masks(ious, parsing.part_labels, scores, table[:, 1], num_classes)


def _match_humans(lines: _Lines, parsing: ImageParsing) -> MaskMatches:
    """The visible people with the annotated ones, as masks of one class."""
    scores = _checked_scores(parsing.person_scores, 'scores of the predicted people', 'APh')
    found, annotated = distinct(lines['predicted human map']), distinct(lines[HUMAN])
    ious = mask_ious(lines['predicted human map'], lines[HUMAN], found, annotated, lengths=lines.lengths)
    return match_masks(ious, np.zeros_like(found), scores[found - 1], np.zeros_like(annotated), 1)


def _checked_scores(scores: np.ndarray | None, what: str, metric: str) -> np.ndarray:
    given = _needed(scores, what, metric)
    if not np.isfinite(given).all():
        raise InputError('a predicted score is NaN or infinite')
    return given


def _needed(value: Value | None, what: str, metric: str) -> Value:
    if value is None:
        raise InputError(f'{metric} needs the {what}, which is missing')
    return value


def _size(values: np.ndarray) -> str:
    return f'{values.shape[1]}x{values.shape[0]}' if values.ndim == 2 else f'of shape {values.shape}'

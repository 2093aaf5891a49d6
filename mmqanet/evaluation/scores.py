"""From the records of a data set's images to its scores."""
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.records import METRIC_NAMES, ImageRecord, check_metric_names
from mmqanet.functional.average_precision import (
    HUMAN_THRESHOLDS,
    PART_THRESHOLDS,
    mask_precision,
    mean_defined,
    person_precision,
    threshold_column,
)
from mmqanet.functional.boundaries import TRIMAP_REACHES
from mmqanet.functional.overlaps import EPSILON, SegmentationScores, segmentation_scores

#: The two readings of images for which nothing was predicted (docs/metrics.md).
MISSING_READINGS = {
    'release': 'left out of mIoU, AP^r and AP^h; their people count in AP^p and PCP, as in the released evaluator',
    'count': 'counted in every metric, as background everywhere',
}


@dataclass(frozen=True)
class ParsingScores:
    """Scores of a data set as fractions, NaN where undefined.

    Attributes:
        values: metric key → fraction, in reporting order: mIoU, mAcc, aAcc, mBIoU, mTIoU, mTIoU_2, mTIoU_4, mTIoU_8, APp,
            APp_50, PCP, PCP_50, APr, APr_50, APh, APh_50, APh_75, as far as asked for.
        num_images, num_missing: images, and those of them without prediction.
        missing: how the latter were counted, a key of ``MISSING_READINGS``.
        segmentation, confusion: the semantic scores and their (C, C) int64 counts, rows = label.
        boundary_iou: (C,) Boundary IoU. trimap_iou: (T, C) IoU at ``TRIMAP_REACHES``.
        app, pcp: (9,) at ``PART_THRESHOLDS``. apr: (C, 9), one row a class. aph: (10,) at ``HUMAN_THRESHOLDS``.
    """

    values: dict[str, float]
    num_images: int
    num_missing: int
    missing: str
    segmentation: SegmentationScores | None = None
    confusion: np.ndarray | None = None
    boundary_iou: np.ndarray | None = None
    trimap_iou: np.ndarray | None = None
    app: np.ndarray | None = None
    pcp: np.ndarray | None = None
    apr: np.ndarray | None = None
    aph: np.ndarray | None = None
    records: Sequence[ImageRecord] = field(default=(), repr=False)


def check_missing(missing: str) -> str:
    """``missing`` itself; raises ``InputError`` where it is neither 'release' nor 'count'."""
    if missing not in MISSING_READINGS:
        raise InputError(f'missing is {missing!r}, but must be one of {tuple(MISSING_READINGS)}')
    return missing


def score_records(records: Sequence[ImageRecord], *, num_classes: int, metrics: Sequence[str] = METRIC_NAMES,
                  missing: str = 'release') -> ParsingScores:
    """Score the records of all images, in the order of the images (it decides between equal scores only).

    Raises:
        DataError: an image name occurs twice, or there is no record.
    """
    metrics, missing = check_metric_names(metrics), check_missing(missing)
    if not records:
        raise DataError('no image was evaluated')
    _check_distinct(records)
    counted = counted_records(records, missing)
    scores: dict = {}
    values: dict[str, float] = {}
    if 'mIoU' in metrics:
        confusion = np.zeros(num_classes * num_classes, dtype=np.int64)
        for record in counted:
            confusion[record.pairs] += record.counts
        scores['confusion'] = confusion.reshape(num_classes, num_classes)
        scores['segmentation'] = semantic = segmentation_scores(scores['confusion'])
        values.update(mIoU=semantic.mean_iou, mAcc=semantic.mean_accuracy, aAcc=semantic.pixel_accuracy)
    if 'mBIoU' in metrics:
        counts = [record.boundary for record in counted if record.boundary is not None]
        scores['boundary_iou'] = _border_ious(counts, (num_classes,))
        values['mBIoU'] = float(scores['boundary_iou'].mean())
    if 'mTIoU' in metrics:
        counts = [record.trimap for record in counted if record.trimap is not None]
        scores['trimap_iou'] = table = _border_ious(counts, (len(TRIMAP_REACHES), num_classes))
        values['mTIoU'] = float(table.mean())
        values.update({f'mTIoU_{reach}': float(row.mean()) for reach, row in zip(TRIMAP_REACHES, table)})
    if 'APp' in metrics or 'PCP' in metrics:
        app, pcp = person_precision([record.people for record in records if record.people is not None])
        for key, table in (('APp', app), ('PCP', pcp)):
            if key in metrics:
                scores[key.lower()] = table
                values.update(_means(key, table, PART_THRESHOLDS, (50,)))
    if 'APr' in metrics:
        scores['apr'] = mask_precision([record.parts for record in counted if record.parts is not None],
                                       PART_THRESHOLDS, num_classes)
        values.update(_means('APr', mean_defined(scores['apr'][1:]), PART_THRESHOLDS, (50,)))
    if 'APh' in metrics:
        scores['aph'] = mask_precision([record.humans for record in counted if record.humans is not None],
                                       HUMAN_THRESHOLDS, 1)[0]
        values.update(_means('APh', scores['aph'], HUMAN_THRESHOLDS, (50, 75)))
    return ParsingScores(values=values, num_images=len(records), missing=missing,
                         num_missing=sum(not record.predicted for record in records), records=records, **scores)


def counted_records(records: Sequence[ImageRecord], missing: str) -> list[ImageRecord]:
    """The records that enter mIoU, AP^r and AP^h."""
    return [record for record in records if record.predicted or missing == 'count']


def _border_ious(counts: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """IoUs of ``shape`` over all images, from intersections and unions (..., 2, C) of each; an absent class has 0."""
    total = np.sum(counts, axis=0, initial=0) if counts else np.zeros((*shape[:-1], 2, shape[-1]))
    return total[..., 0, :] / (total[..., 1, :] + EPSILON)


def _means(key: str, table: np.ndarray, thresholds: np.ndarray, single: tuple[int, ...]) -> dict[str, float]:
    """The mean over the thresholds, and the values at single thresholds (given in percent)."""
    values = {key: float(table.mean())}
    for percent in single:
        values[f'{key}_{percent}'] = float(table[threshold_column(thresholds, percent / 100)])
    return values


def _check_distinct(records: Sequence[ImageRecord]) -> None:
    seen: set[str] = set()
    for record in records:
        if record.name in seen:
            raise DataError(f'{record.name}: this image was evaluated twice')
        seen.add(record.name)

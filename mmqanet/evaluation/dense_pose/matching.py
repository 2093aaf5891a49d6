"""Average precision of dense pose: COCO's rules with the odd ones of its dense pose evaluation.

    D detections and G annotated people of an image, T = 10 thresholds, A = 3 ranges of areas, R = 101 recalls.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = ((0.0, 1e10), (32.0 ** 2, 96.0 ** 2), (96.0 ** 2, 1e10))  # all, medium, large; both ends count
MOST_DETECTIONS = 20  # of an image
IGNORED_OVERLAP = 0.8  # of boxes, above which an unmatched detection belongs to an annotated person to be ignored


class Mode(Enum):
    """What says whether a detection fits a person."""

    GPS = 'GPS'
    GPSM = 'GPSm'  # the root of GPS times mask IoU
    IOU = 'IOU'


@dataclass(frozen=True)
class ImageRecord:
    """How the detections of an image fit its people: what average precision is computed from.

    Attributes:
        image: id.
        scores: (D, S) by S rankings; ``ids``: (D,), ``areas``: (D,) of the boxes.
        gps, mask_ious, box_ious: (D, G).
        people: (G,) ids; ``people_areas``: (G,); ``ignored``, ``crowds``: (G,) bool.
    """

    image: int
    ids: np.ndarray
    scores: np.ndarray
    areas: np.ndarray
    gps: np.ndarray
    mask_ious: np.ndarray
    box_ious: np.ndarray
    people: np.ndarray
    people_areas: np.ndarray
    ignored: np.ndarray
    crowds: np.ndarray

    def similarity(self, mode: Mode) -> np.ndarray:
        """(D, G) float64 in [0, 1]."""
        match mode:
            case Mode.GPS:
                return self.gps
            case Mode.IOU:
                return self.mask_ious
        return np.sqrt(self.mask_ious * self.gps)

    def ranked(self, ranking: int) -> np.ndarray:
        """The detections that count by falling score, those of equal score in their order."""
        return np.argsort(-self.scores[:, ranking], kind='stable')[:MOST_DETECTIONS]


@dataclass(frozen=True)
class ImageMatches:
    """Which detections are right.

    Attributes:
        scores: (D,) falling; ``matches``: (T, D) int64, the index of the matched person in the record, -1 for none.
        ignored: (T, D) bool, detections that count neither way.
        num_people: people that have to be found.
    """

    scores: np.ndarray
    matches: np.ndarray
    ignored: np.ndarray
    num_people: int


def match_image(record: ImageRecord, *, mode: Mode, area: tuple[float, float] = AREAS[0], ranking: int = 0) -> ImageMatches:
    """Match the detections of an image to its people, best scores first.

    A person is ignored who has no dense pose or lies outside the range of areas. The rules of COCO, and besides:

    - Where all people are ignored all detections are.
    - At the last threshold alone, a detection without a match goes to the unmatched person whose box overlaps its own most,
      by 0.8 at least. If that person is ignored the detection is ignored at all thresholds, else at none.

    Args:
        record: of the image.
        mode: similarity that counts.
        area: least and greatest area of people and detections.
        ranking: column of the scores.
    """
    ignored = record.ignored | (record.people_areas < area[0]) | (record.people_areas > area[1])
    people = np.argsort(ignored, kind='stable')
    order = record.ranked(ranking)
    similarity, overlaps = (values[order][:, people] for values in (record.similarity(mode), record.box_ious))
    ignored, crowds = ignored[people], record.crowds[people]
    matches = np.full((len(THRESHOLDS), len(order)), -1)
    left_out = np.full(matches.shape, bool(ignored.all()))
    for row, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(people), bool)
        for detection in range(len(order)):
            best = _best_person(similarity[detection], free, ignored, threshold)
            if best >= 0:
                matches[row, detection], left_out[row, detection] = best, ignored[best]
                free[best] = crowds[best]
    taken = np.bincount(matches[-1][matches[-1] >= 0], minlength=len(people)) > 0
    for detection in np.flatnonzero(matches[-1] < 0):
        open_overlaps = np.where(~taken | crowds, overlaps[detection], -1)
        if not len(open_overlaps) or open_overlaps.max() < IGNORED_OVERLAP:
            continue
        best = len(open_overlaps) - 1 - int(open_overlaps[::-1].argmax())  # the last of equals
        left_out[:, detection] = ignored[best]
        if ignored[best]:
            matches[-1, detection], taken[best] = best, True
    areas = record.areas[order]
    left_out |= (matches < 0) & ((areas < area[0]) | (areas > area[1]))
    return ImageMatches(record.scores[order, ranking], np.where(matches >= 0, people[matches] if len(people) else -1, -1),
                        left_out, int((~ignored).sum()))


def _best_person(similarity: np.ndarray, free: np.ndarray, ignored: np.ndarray, threshold: float) -> int:
    """The index of the free person who is most similar, -1 for none; one to be ignored only if there is no other."""
    fits = free & (similarity >= min(threshold, 1 - 1e-10))
    for group in (fits & ~ignored, fits & ignored):
        if group.any():
            values = np.where(group, similarity, -1)
            return len(values) - 1 - int(values[::-1].argmax())  # the last of equals, as in COCO
    return -1


@dataclass(frozen=True)
class Precisions:
    """Precision (T, R, A) at every recall and the greatest recall (T, A); -1 where nobody has to be found."""

    precision: np.ndarray
    recall: np.ndarray

    def values(self) -> dict[str, float]:
        """AP, AP50, AP75, APm, APl, AR, AR50, AR75, ARm, ARl: fractions, -1 where nobody has to be found."""
        found: dict[str, float] = {}
        for name, table in (('AP', self.precision), ('AR', self.recall[:, None])):
            parts = dict(zip(('', '50', '75', 'm', 'l'), (
                table[..., 0], table[0, ..., 0], table[5, ..., 0], table[..., 1], table[..., 2])))
            found |= {f'{name}{key}': _mean_of_known(part) for key, part in parts.items()}
        return found


def _mean_of_known(values: np.ndarray) -> float:
    known = values[values > -1]
    return float(np.mean(known)) if len(known) else -1.0


def average_precision(records: Sequence[ImageRecord], *, mode: Mode, ranking: int = 0) -> Precisions:
    """Precision and recall over images in the order of their ids."""
    precision = np.full((len(THRESHOLDS), len(RECALLS), len(AREAS)), -1.0)
    recall = np.full((len(THRESHOLDS), len(AREAS)), -1.0)
    records = sorted(records, key=lambda record: record.image)
    for column, area in enumerate(AREAS):
        images = [match_image(record, mode=mode, area=area, ranking=ranking) for record in records]
        num_people = sum(image.num_people for image in images)
        if num_people:
            precision[..., column], recall[:, column] = _curves(images, num_people)
    return Precisions(precision, recall)


def _curves(images: Sequence[ImageMatches], num_people: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision (T, R) and greatest recall (T,)."""
    order = np.argsort(-np.concatenate([image.scores for image in images]), kind='stable')
    right = np.concatenate([image.matches >= 0 for image in images], axis=1)[:, order]
    counted = ~np.concatenate([image.ignored for image in images], axis=1)[:, order]
    precision, recall = np.zeros((len(THRESHOLDS), len(RECALLS))), np.zeros(len(THRESHOLDS))
    for row in range(len(THRESHOLDS)):
        found, wrong = ((hits & counted[row]).cumsum().astype(float) for hits in (right[row], ~right[row]))
        if not len(found):
            continue
        recalls = found / num_people
        recall[row] = recalls[-1]
        envelope = np.maximum.accumulate((found / (wrong + found + np.spacing(1)))[::-1])[::-1]
        places = np.searchsorted(recalls, RECALLS, side='left')
        precision[row] = np.append(envelope, 0)[places]
    return precision, recall

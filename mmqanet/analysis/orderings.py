"""One image under every order of its people.

Quality weights reach the metrics in two ways: through the scores, and through the order in which people suppress and hide
each other. Many weights lead to the same order, and a person looks the same in all orders in which the same others hide
it. So an image is compared with its annotation once, and what an order changes is worked out once an order, on run codes.

Letters: N predicted people, G annotated people, L annotated parts, C classes, S settings, K visible parts, T thresholds.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmqanet.errors import InputError
from mmqanet.evaluation.records import ImageRecord, record_image
from mmqanet.functional.average_precision import match_people
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.merging import MergingRules, greedy_nms, paint_category, suppression_test
from mmqanet.functional.overlaps import distinct, histogram, mean_present, ranks, runs
from mmqanet.functional.people import CroppedPeople, people_class_ious
from mmqanet.structures.image_truth import ImageTruth


@dataclass(frozen=True)
class Outcome:
    """What an image's people come to in one order.

    Attributes:
        ranked, hits, correct_parts: people (M,) in the order of AP^p, and as in ``PersonMatches``.
        part_people, part_labels, part_ious: (K,) person, class and best IoU of the visible parts.
        visible_people, people_ious: (P,) people with visible pixels, and the best IoUs of their masks.
    """

    ranked: np.ndarray
    hits: np.ndarray
    correct_parts: np.ndarray
    part_people: np.ndarray
    part_labels: np.ndarray
    part_ious: np.ndarray
    visible_people: np.ndarray
    people_ious: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ImageOutcomes:
    """An image under all settings.

    Attributes:
        name: of the image.
        outcomes: the distinct ones; ``which`` (S,) is that of each setting.
        pairs, counts: for each outcome the confusion of the category map, as in ``ImageRecord``.
        num_people, num_parts: G, and (C,) annotated parts of each class.
        true_ious: (N,) float64, each person's mean IoU with the annotated person it is compared with; NaN where an
            annotated box belongs to nobody in the human map.
        true_part_ious: (N, C-1) float64, the IoU of each predicted part with the same part of that person; NaN where
            the person's map does not show the class.
    """

    name: str
    outcomes: Sequence[Outcome]
    which: np.ndarray
    pairs: Sequence[np.ndarray]
    counts: Sequence[np.ndarray]
    num_people: int
    num_parts: np.ndarray
    true_ious: np.ndarray
    true_part_ious: np.ndarray


def image_outcomes(*, name: str, people: CroppedPeople, parsing_ids: np.ndarray, bbox_scores: np.ndarray,
                   qualities: np.ndarray, truth: ImageTruth, num_classes: int, rules: MergingRules,
                   backdrop: np.ndarray | None = None) -> ImageOutcomes:
    """Work an image out under S settings.

    Args:
        people, bbox_scores: N people and their box scores (N,).
        parsing_ids: (N,) int64, a person's id in the annotated human map, 0 for a detected box.
        qualities: (S, N) instance qualities under each setting.
        truth: with human and part map.
        backdrop: (H, W) uint8, the class map that people are painted over in the category map.

    Raises:
        DataError: the annotation does not fit the prediction; names the image.
        InputError: ``truth`` lacks a map.
    """
    human, part, parts = truth.human, truth.part, truth.parts
    if human is None or part is None or parts is None:
        raise InputError(f'truth of {name} lacks the human or the part map')
    person_ids = distinct(human)
    class_ious, label_areas = people_class_ious(people, truth.category, human, person_ids, num_classes)
    orders = _Orders(people, human, part, parts, num_classes=num_classes, rules=rules)
    which = np.zeros(len(qualities), dtype=np.int64)
    outcomes: dict[bytes, int] = {}
    found: list[Outcome] = []
    records: list[ImageRecord] = []
    thresholds = [threshold for threshold in (rules.instance_score_thr, rules.category_quality_thr) if threshold is not None]
    for setting, scores in enumerate(np.asarray(qualities, dtype=np.float64)):
        # All that the scores decide: their order, ties included, and which of them pass the thresholds.
        order = np.unique(scores, return_inverse=True)[1]
        key = np.stack([order, *(scores >= threshold for threshold in thresholds)]).tobytes()
        if key not in outcomes:
            outcomes[key] = len(found)
            found.append(orders.outcome(scores, class_ious, label_areas))
            if not records or rules.category_quality_thr is not None:
                category = paint_category(people, bbox_scores=bbox_scores, qualities=scores, rules=rules, backdrop=backdrop)
                record = record_image(name=name, truth=truth, parsing=ImageParsing.of_nobody(category),
                                      num_classes=num_classes, metrics=('mIoU',))
            records.append(record)
        which[setting] = outcomes[key]
    true_ious, true_part_ious = _true_ious(people, parsing_ids, person_ids, class_ious)
    return ImageOutcomes(
        name=name, outcomes=found, which=which, pairs=[record.pairs for record in records],
        counts=[record.counts for record in records], num_people=len(person_ids),
        num_parts=np.bincount(parts[:, 1], minlength=num_classes), true_ious=true_ious,
        true_part_ious=true_part_ious)


def _true_ious(people: CroppedPeople, parsing_ids: np.ndarray, person_ids: np.ndarray,
               class_ious: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``true_ious`` and ``true_part_ious`` of :class:`ImageOutcomes`, from class IoUs (N, G, C)."""
    number, num_people, num_classes = class_ious.shape
    shown = np.array([np.bincount(label_map.ravel(), minlength=num_classes)[1:] > 0 for label_map in people.label_maps],
                     dtype=bool).reshape(number, num_classes - 1)
    if not num_people:
        return np.zeros(number), np.where(shown, 0.0, np.nan)
    mean_ious = mean_present(class_ious)
    own = np.searchsorted(person_ids, parsing_ids).clip(max=num_people - 1)
    detected = parsing_ids == 0
    partner = np.where(detected, mean_ious.argmax(axis=1), own)
    rows = np.arange(number)
    known = detected | (person_ids[own] == parsing_ids)
    true_ious = np.where(known, mean_ious[rows, partner], np.nan)
    return true_ious, np.where(shown & known[:, None], class_ious[rows, partner, 1:], np.nan)


class _Orders:
    """The people of one image, ready to be put into any order."""

    def __init__(self, people: CroppedPeople, human: np.ndarray, part: np.ndarray, parts: np.ndarray, *,
                 num_classes: int, rules: MergingRules) -> None:
        self.people, self.human, self.part = people, human, part
        self.num_classes, self.rules = num_classes, rules
        self.person_ids, self.part_ids, self.part_classes = distinct(human), parts[:, 0], parts[:, 1]
        (instances, humans), lengths = runs(part, human)
        self.part_areas = histogram(ranks(instances, self.part_ids), lengths, len(self.part_ids) + 1)[1:]
        self.human_areas = histogram(ranks(humans, self.person_ids), lengths, len(self.person_ids) + 1)[1:]
        self.neighbours = _neighbours(people)
        self.suppresses = self._suppression()
        self.codes: dict[int, tuple] = {}
        self.views: dict[tuple, tuple] = {}

    def outcome(self, qualities: np.ndarray, class_ious: np.ndarray, label_areas: np.ndarray) -> Outcome:
        """Suppress, paint and match in the order of some qualities (N,)."""
        survivors = np.sort(greedy_nms(qualities, lambda first, others: self.suppresses[first, others]))
        matches = match_people(class_ious[survivors], qualities[survivors], label_areas,
                               score_threshold=self.rules.instance_score_thr)
        ranked = survivors[np.argsort(-qualities[survivors], kind='stable')][:len(matches.scores)]
        painters = survivors[qualities[survivors] >= self.rules.instance_score_thr]
        painters = painters[np.argsort(qualities[painters], kind='stable')]
        place = {person: position for position, person in enumerate(painters)}
        parts, humans = [], {}
        for position, person in enumerate(painters):
            above = tuple(other for other in self.neighbours[person] if place.get(other, -1) > position)
            labels, ious, human_iou = self._view(person, above)
            parts.append((np.full(len(labels), person), labels, ious))
            if len(labels):
                humans[person] = human_iou
        nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
        columns = [np.concatenate(column) for column in zip(nothing, *parts)]
        visible = np.sort(np.array(list(humans), dtype=np.int64))
        return Outcome(
            ranked, matches.hits, matches.correct_parts, columns[0], columns[1], columns[2], visible,
            np.array([humans[person] for person in visible], dtype=np.float64))

    def _suppression(self) -> np.ndarray:
        """(N, N) bool: whether one person suppresses another where it comes first."""
        people, number = self.people, len(self.people)
        test = suppression_test(people, num_classes=self.num_classes, threshold=self.rules.nms_iou_thr)
        table = np.zeros((number, number), dtype=bool)
        for person in range(number - 1):
            later = np.arange(person + 1, number)
            table[person, later] = table[later, person] = test(person, later)
        return table

    def _view(self, person: int, above: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, float]:
        """A person hidden by some neighbours: visible classes (ascending), their best IoUs, and the best of its mask."""
        if (person, above) not in self.views:
            self.views[person, above] = self._look(person, above)
        return self.views[person, above]

    def _look(self, person: int, above: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, float]:
        labels, parts, humans, masks, lengths = self._code(person)
        visible = labels > 0
        for other in above:
            visible = visible & ~masks[other]
        labels, parts, humans, lengths = (values[visible] for values in (labels, parts, humans, lengths))
        rows = len(self.part_ids) + 1
        joint = histogram(labels * rows + parts, lengths, self.num_classes, rows)
        areas, inter = joint.sum(axis=1), joint[:, 1:]
        ious = inter / np.maximum(areas[:, None] + self.part_areas - inter, 1)
        same = np.arange(self.num_classes)[:, None] == self.part_classes
        best = np.where(same, ious, 0.0).max(axis=1, initial=0.0)
        shown = np.flatnonzero(areas)
        inter = histogram(humans, lengths, len(self.person_ids) + 1)[1:]
        human_ious = inter / np.maximum(areas.sum() + self.human_areas - inter, 1)
        return shown, best[shown], float(human_ious.max(initial=0.0))

    def _code(self, person: int) -> tuple:
        """Runs of a person's window: its classes, the ranks of annotated parts and people, its neighbours' masks."""
        if person not in self.codes:
            window = self.people.window(person)
            masks = [self.people.mask_in(other, window) for other in self.neighbours[person]]
            (labels, parts, humans, *masks), lengths = runs(
                self.people.label_maps[person], self.part[window], self.human[window], *masks)
            self.codes[person] = (labels.astype(np.int64), ranks(parts, self.part_ids), ranks(humans, self.person_ids),
                                  dict(zip(self.neighbours[person], masks)), lengths)
        return self.codes[person]


def _neighbours(people: CroppedPeople) -> list[list[int]]:
    """For each person, the others that share labelled pixels with it."""
    neighbours: list[list[int]] = [[] for _ in people.label_maps]
    stops = people.stops
    for person in range(len(people)):
        sides = np.minimum(stops[person], stops) - np.maximum(people.offsets[person], people.offsets)
        for other in np.flatnonzero((sides > 0).all(axis=1)):
            one, another = people.common_windows(person, other)
            if other > person and ((one > 0) & (another > 0)).any():
                neighbours[person].append(int(other))
                neighbours[other].append(person)
    return neighbours

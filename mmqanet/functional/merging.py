"""From people to the image: global map, parsing NMS, person map, part map and scores (docs/metrics.md).

Letters: N people, C classes with background as class 0, H, W the image.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.average_precision import INSTANCE_THRESHOLD
from mmqanet.functional.image_parsing import ImageParsing, number_parts
from mmqanet.functional.overlaps import class_ious, mean_present
from mmqanet.functional.people import CroppedPeople


@dataclass(frozen=True)
class MergingRules:
    """Thresholds of the merging, all in [0, 1].

    Attributes:
        bbox_score_thr: people of a box score at or above it enter the class map.
        nms_iou_thr: mean IoU at or above which the parsing NMS suppresses the lesser person.
        instance_score_thr: people of a quality at or above it enter the person and part maps.
        category_quality_thr: where given, people of a *quality* at or above it enter the class map instead, and qualities
            say who is painted over whom in it.
    """

    bbox_score_thr: float = 0.3
    nms_iou_thr: float = 0.6
    instance_score_thr: float = INSTANCE_THRESHOLD
    category_quality_thr: float | None = None


DEFAULT_RULES = MergingRules()


def merge_people(people: CroppedPeople, *, bbox_scores: np.ndarray, qualities: np.ndarray, part_qualities: np.ndarray,
                 rules: MergingRules = DEFAULT_RULES,
                 backdrop: np.ndarray | None = None) -> tuple[ImageParsing, np.ndarray]:
    """Merge people into the maps and scores of their image.

    Args:
        people: N people; person i of the result's ``human`` map is the one at i - 1.
        bbox_scores: (N,) box scores.
        qualities: (N,) instance scores; they rank the parsing NMS and the painting.
        part_qualities: (N, C-1) part scores, column c-1 for class c.
        rules: thresholds.
        backdrop: (H, W) uint8, the class map that people are painted over in the class map; background by default.

    Returns:
        The image, its parts by ascending quality of their person, then class: the order of the official files. And the
        people that survive the parsing NMS, (M,) int64 by descending quality.

    Raises:
        InputError: lengths differ, a class is out of range or a score is not finite.
    """
    bbox_scores = np.asarray(bbox_scores, dtype=np.float64)
    qualities = np.asarray(qualities, dtype=np.float64)
    part_qualities = np.asarray(part_qualities, dtype=np.float64)
    if part_qualities.ndim != 2:
        raise InputError(f'part_qualities must be (N, C-1), got shape {part_qualities.shape}')
    num_classes = part_qualities.shape[1] + 1
    people.check(num_classes, bbox_scores=bbox_scores, qualities=qualities, part_qualities=part_qualities)

    kept = parsing_nms(people, scores=qualities, num_classes=num_classes, threshold=rules.nms_iou_thr)
    survivors = np.sort(kept)
    survivors = survivors[qualities[survivors] >= rules.instance_score_thr]
    painters = survivors[np.argsort(qualities[survivors], kind='stable')]
    visible, order = _paint(people, painters)
    part, part_labels, part_order = number_parts(visible, order)
    part_people = painters[part_order]
    numbers = np.concatenate([[0], painters + 1]).astype(np.int32)
    parsing = ImageParsing(
        category=paint_category(people, bbox_scores=bbox_scores, qualities=qualities, rules=rules, backdrop=backdrop),
        human=numbers[order], part=part,
        part_labels=part_labels, part_people=part_people, part_scores=part_qualities[part_people, part_labels - 1],
        person_scores=qualities)
    return parsing, kept


def paint_category(people: CroppedPeople, *, bbox_scores: np.ndarray, qualities: np.ndarray, rules: MergingRules,
                   backdrop: np.ndarray | None = None) -> np.ndarray:
    """The class map (H, W) uint8 of an image, by the scores that the rules name; arguments as for :func:`merge_people`."""
    if rules.category_quality_thr is None:
        return paint_classes(people, bbox_scores, threshold=rules.bbox_score_thr, backdrop=backdrop)
    return paint_classes(people, qualities, threshold=rules.category_quality_thr, backdrop=backdrop)


def paint_classes(people: CroppedPeople, scores: np.ndarray, *, threshold: float = 0.3,
                  backdrop: np.ndarray | None = None) -> np.ndarray:
    """The class map (H, W) uint8: people of a score (N,) at or above ``threshold`` painted in ascending score, over a
    ``backdrop`` where there is one."""
    confident = np.flatnonzero(scores >= threshold)
    classes, places = _paint(people, confident[np.argsort(scores[confident], kind='stable')])
    return classes if backdrop is None else np.where(places > 0, classes, backdrop)


def parsing_nms(people: CroppedPeople, *, scores: np.ndarray, num_classes: int, threshold: float = 0.6) -> np.ndarray:
    """Greedy suppression by the mean IoU of label maps.

    By descending score (ties: lower index first), a person suppresses every later one whose mean IoU with it, over the
    classes present in either whole-image map, background included, is at or above ``threshold``.

    Returns:
        (M,) int64 indices of the survivors by descending score.
    """
    return greedy_nms(scores, suppression_test(people, num_classes=num_classes, threshold=threshold))


def greedy_nms(scores: np.ndarray, suppresses: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
    """The survivors (M,) of a greedy suppression by descending score (ties: lower index first).

    Args:
        scores: (N,).
        suppresses: which of some others (K,) a person suppresses, (K,) bool.
    """
    left = np.argsort(-np.asarray(scores), kind='stable')
    kept = []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        left = left[~suppresses(first, left)]
    return np.asarray(kept, dtype=np.int64)


def suppression_test(people: CroppedPeople, *, num_classes: int,
                     threshold: float = 0.6) -> Callable[[int, np.ndarray], np.ndarray]:
    """Of :func:`parsing_nms`: a function (person, others (K,)) → (K,) bool, whether their mean IoU reaches ``threshold``."""
    areas = people.areas(num_classes)
    starts, stops = people.offsets, people.stops

    def suppresses(first: int, others: np.ndarray) -> np.ndarray:
        # No intersection exceeds the smaller area, nor the common window (background aside): pixels are read only
        # where the mean IoU that this allows passes.
        sides = np.minimum(stops[first], stops[others]) - np.maximum(starts[first], starts[others])
        inter = np.minimum(areas[first], areas[others])
        inter[:, 1:] = np.minimum(inter[:, 1:], np.maximum(sides, 0).prod(axis=1)[:, None])
        reached = mean_present(class_ious(inter, areas[first] + areas[others] - inter)) >= threshold
        for place in np.flatnonzero(reached):
            reached[place] = _mean_iou(people, areas, first, others[place]) >= threshold
        return reached

    return suppresses


def _mean_iou(people: CroppedPeople, areas: np.ndarray, a: int, b: int) -> float:
    """Mean IoU of people a and b over the classes in either map; only the common window of their crops is read."""
    one, other = people.common_windows(a, b)
    inter = np.bincount(one[one == other], minlength=areas.shape[1])
    both = np.count_nonzero((one != 0) & (other != 0))
    inter[0] = areas[a].sum() - areas[a, 1:].sum() - areas[b, 1:].sum() + both
    return float(mean_present(class_ious(inter, areas[a] + areas[b] - inter)))


def _paint(people: CroppedPeople, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paint people in ``order``, later over earlier: the class map (uint8) and the map of their places in the order, from 1
    on (uint8, of crowds int32)."""
    classes = np.zeros(people.image_shape, dtype=np.uint8)
    places = np.zeros(people.image_shape, dtype=np.uint8 if len(order) < 256 else np.int32)
    for place, index in enumerate(order, 1):
        label_map, window = people.label_maps[index], people.window(index)
        painted = label_map != 0
        np.copyto(classes[window], label_map, where=painted)
        np.copyto(places[window], place, where=painted)
    return classes, places

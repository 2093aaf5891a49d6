"""From people to the image: global map, parsing NMS, person map, part map and scores (``protocol``: steps 1 to 4).

People come as crops of their label maps, since most of an image is background to each of them: a crop (h_i, w_i) whose
first pixel lies at (y, x) of the image. A whole-image map is the special case of offset (0, 0).

Letters: N people, C classes with background as class 0, K visible parts, H, W the image, h, w a crop.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.overlaps import check_classes, class_areas, class_ious, mean_present


@dataclass(frozen=True)
class ImageParsing:
    """What people add up to on their image.

    Attributes:
        global_map: (H, W) uint8, class per pixel.
        human_map: (H, W) int32, 1 + the index of the person among the input people, 0 none.
        part_map: (H, W) int32, 1-based index into the ``part_*`` arrays, 0 none.
        kept: (M,) int64, people that survive the parsing NMS, by descending quality.
        people: (P,) int64, people with visible pixels, by ascending quality: the order of the official files.
        part_labels: (K,) int64 class in [1, C), part_scores: (K,) float64 part quality, part_people: (K,) int64 index
            of the person. A part is a (person, class) pair with visible pixels; parts follow ``people``, then class.
    """

    global_map: np.ndarray
    human_map: np.ndarray
    part_map: np.ndarray
    kept: np.ndarray
    people: np.ndarray
    part_labels: np.ndarray
    part_scores: np.ndarray
    part_people: np.ndarray


def merge_people(*, label_maps: Sequence[np.ndarray], offsets: np.ndarray, image_shape: tuple[int, int],
                 bbox_scores: np.ndarray, qualities: np.ndarray, part_qualities: np.ndarray,
                 bbox_threshold: float = 0.3, nms_threshold: float = 0.6,
                 instance_threshold: float = 0.01) -> ImageParsing:
    """Merge people into the maps and scores of their image.

    Args:
        label_maps: N arrays (h_i, w_i) uint8, classes in [0, C).
        offsets: (N, 2) int, (y, x) of each crop's first pixel in the image.
        image_shape: (H, W).
        bbox_scores: (N,) box scores; people at or above ``bbox_threshold`` enter the global map.
        qualities: (N,) instance scores; they rank the parsing NMS, and people at or above ``instance_threshold`` enter
            the person and part maps.
        part_qualities: (N, C-1) part scores, column c-1 for class c.
        bbox_threshold, nms_threshold, instance_threshold: in [0, 1].

    Raises:
        InputError: lengths differ, a crop leaves the image, a class is out of range or a score is not finite.
    """
    bbox_scores = np.asarray(bbox_scores, dtype=np.float64)
    qualities = np.asarray(qualities, dtype=np.float64)
    part_qualities = np.asarray(part_qualities, dtype=np.float64)
    offsets = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    if part_qualities.ndim != 2:
        raise InputError(f'part_qualities must be (N, C-1), got shape {part_qualities.shape}')
    num_classes = part_qualities.shape[1] + 1
    scores = {'bbox_scores': bbox_scores, 'qualities': qualities, 'part_qualities': part_qualities}
    check_people(label_maps=label_maps, offsets=offsets, image_shape=image_shape, num_classes=num_classes,
                 scores=scores)

    kept = parsing_nms(label_maps=label_maps, offsets=offsets, image_shape=image_shape, scores=qualities,
                       num_classes=num_classes, threshold=nms_threshold)
    survivors = np.sort(kept)
    survivors = survivors[qualities[survivors] >= instance_threshold]
    painters = survivors[np.argsort(qualities[survivors], kind='stable')]
    visible, human_map = _paint(label_maps, offsets, painters, image_shape)
    part_map, people, part_people, part_labels = _visible_parts(visible, human_map, painters, num_classes)

    global_map = paint_classes(label_maps, offsets, bbox_scores, image_shape=image_shape, threshold=bbox_threshold)
    return ImageParsing(
        global_map=global_map, human_map=human_map, part_map=part_map, kept=kept, people=people,
        part_labels=part_labels, part_scores=part_qualities[part_people, part_labels - 1], part_people=part_people)


def paint_classes(label_maps: Sequence[np.ndarray], offsets: np.ndarray, bbox_scores: np.ndarray, *,
                  image_shape: tuple[int, int], threshold: float = 0.3) -> np.ndarray:
    """The class map (H, W) uint8: people of a box score at or above ``threshold`` painted in ascending box score."""
    confident = np.flatnonzero(bbox_scores >= threshold)
    confident = confident[np.argsort(bbox_scores[confident], kind='stable')]
    return _paint(label_maps, offsets, confident, image_shape)[0]


def check_people(*, label_maps: Sequence[np.ndarray], offsets: np.ndarray, image_shape: tuple[int, int],
                 num_classes: int, scores: dict[str, np.ndarray]) -> None:
    """Raise an InputError that names the argument if people are inconsistent; ``scores`` are N rows each, by name."""
    num_people = len(label_maps)
    for name, values in {'offsets': offsets, **scores}.items():
        if len(values) != num_people:
            raise InputError(f'{name} has {len(values)} rows for {num_people} label_maps')
        if not np.isfinite(values).all():
            raise InputError(f'{name} must be finite')
    for index, (label_map, (y, x)) in enumerate(zip(label_maps, offsets)):
        if label_map.ndim != 2 or label_map.dtype != np.uint8:
            raise InputError(f'label_maps[{index}] must be (h, w) uint8, got {label_map.shape} {label_map.dtype}')
        height, width = label_map.shape
        if y < 0 or x < 0 or y + height > image_shape[0] or x + width > image_shape[1]:
            raise InputError(f'label_maps[{index}], {height} x {width} at ({y}, {x}), leaves the image of '
                             f'{image_shape[0]} x {image_shape[1]}')
        check_classes(label_map, num_classes, name=f'label_maps[{index}]')


def parsing_nms(*, label_maps: Sequence[np.ndarray], offsets: np.ndarray, image_shape: tuple[int, int],
                scores: np.ndarray, num_classes: int, threshold: float = 0.6) -> np.ndarray:
    """Greedy suppression by the mean IoU of label maps.

    By descending score (ties: lower index first), a person suppresses every later one whose mean IoU with it, over the
    classes present in either whole-image map, background included, is at or above ``threshold``.

    Returns:
        (M,) int64 indices of the survivors by descending score.
    """
    return greedy_nms(scores, suppression_test(
        label_maps=label_maps, offsets=offsets, image_shape=image_shape, num_classes=num_classes, threshold=threshold))


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


def suppression_test(*, label_maps: Sequence[np.ndarray], offsets: np.ndarray, image_shape: tuple[int, int],
                     num_classes: int, threshold: float = 0.6) -> Callable[[int, np.ndarray], np.ndarray]:
    """Of :func:`parsing_nms`: a function (person, others (K,)) → (K,) bool, whether their mean IoU reaches ``threshold``."""
    areas = class_areas(label_maps, num_classes, image_shape[0] * image_shape[1])
    starts = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    stops = starts + np.array([label_map.shape for label_map in label_maps], dtype=np.int64).reshape(-1, 2)

    def suppresses(first: int, others: np.ndarray) -> np.ndarray:
        # No intersection exceeds the smaller area, nor the common window (background aside): pixels are read only
        # where the mean IoU that this allows passes.
        sides = np.minimum(stops[first], stops[others]) - np.maximum(starts[first], starts[others])
        inter = np.minimum(areas[first], areas[others])
        inter[:, 1:] = np.minimum(inter[:, 1:], np.maximum(sides, 0).prod(axis=1)[:, None])
        reached = mean_present(class_ious(inter, areas[first] + areas[others] - inter)) >= threshold
        for place in np.flatnonzero(reached):
            reached[place] = _mean_iou(label_maps, offsets, areas, first, others[place]) >= threshold
        return reached

    return suppresses


def _mean_iou(label_maps: Sequence[np.ndarray], offsets: np.ndarray, areas: np.ndarray, a: int, b: int) -> float:
    """Mean IoU of people a and b over the classes in either map; only the common window of their crops is read."""
    start = np.maximum(offsets[a], offsets[b])
    stop = np.minimum(offsets[a] + label_maps[a].shape, offsets[b] + label_maps[b].shape)
    inter = np.zeros(areas.shape[1], dtype=np.int64)
    both = 0
    if (stop > start).all():
        one, other = (label_maps[i][tuple(slice(*ends) for ends in zip(start - offsets[i], stop - offsets[i]))]
                      for i in (a, b))
        inter += np.bincount(one[one == other], minlength=len(inter))
        both = np.count_nonzero((one != 0) & (other != 0))
    image_area = areas[a].sum()
    inter[0] = image_area - areas[a, 1:].sum() - areas[b, 1:].sum() + both
    union = areas[a] + areas[b] - inter
    return float(mean_present(class_ious(inter, union)))


def _paint(label_maps: Sequence[np.ndarray], offsets: np.ndarray, order: np.ndarray,
           image_shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Paint people in ``order``, later over earlier: the class map (uint8) and the map of index + 1 (int32)."""
    classes = np.zeros(image_shape, dtype=np.uint8)
    people = np.zeros(image_shape, dtype=np.int32)
    for index in order:
        label_map, (y, x) = label_maps[index], offsets[index]
        window = np.s_[y:y + label_map.shape[0], x:x + label_map.shape[1]]
        painted = label_map != 0
        np.copyto(classes[window], label_map, where=painted)
        np.copyto(people[window], index + 1, where=painted)
    return classes, people


def map_extents(label_maps: Sequence[np.ndarray], offsets: np.ndarray, people: np.ndarray) -> np.ndarray:
    """The rows and columns [y1, y2) × [x1, x2) that the map of each of ``people`` spans, as (P, 4) int64 rows
    (y1, x1, y2, x2); none of the maps may be empty. The whole map counts, also where others hide it: the official
    files state this box."""
    extents = np.zeros((len(people), 4), dtype=np.int64)
    for row, index in zip(extents, people):
        ys, xs = (np.flatnonzero(label_maps[index].any(axis=axis)) for axis in (1, 0))
        row[:] = ys[0], xs[0], ys[-1] + 1, xs[-1] + 1
        row += np.tile(offsets[index], 2)
    return extents


def _visible_parts(visible: np.ndarray, human_map: np.ndarray, painters: np.ndarray,
                   num_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Number the (person, class) pairs of the painted maps by painting order, then class: part map, visible people,
    person and class of each part."""
    part_map = np.zeros(visible.shape, dtype=np.int32)
    rank = np.zeros(int(painters.max(initial=-1)) + 2, dtype=np.intp)
    rank[painters + 1] = np.arange(len(painters)) * num_classes
    pixels = np.flatnonzero(visible)
    codes = rank[human_map.ravel()[pixels]] + visible.ravel()[pixels]
    present = np.bincount(codes, minlength=len(painters) * num_classes) > 0
    part_map.ravel()[pixels] = np.cumsum(present)[codes]
    ranks, part_labels = np.divmod(np.flatnonzero(present), num_classes)
    return part_map, painters[np.unique(ranks)], painters[ranks], part_labels

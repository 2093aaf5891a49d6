"""The metrics the long way, one mask after another: what the package's fast code is compared with.

Nothing here is shared with the package. An image is any object with the attributes of :class:`Prepared`; reading an
attribute may be slow (a file), as in the benchmark.
"""
from dataclasses import dataclass

import numpy as np


@dataclass
class Prepared:
    """Annotation and merged prediction of an image: whole maps, lists and numbers."""

    category: np.ndarray
    human: np.ndarray
    instance: np.ndarray
    gt_parts: list        # (part id, class, human id)
    predicted: bool
    global_map: np.ndarray
    human_map: np.ndarray
    human_scores: dict    # id in human_map -> score
    part_map: np.ndarray
    parts: list           # (id in part_map, class, score)
    people: list          # (whole-image label map, score) of the survivors of the parsing NMS


# -- people to image ---------------------------------------------------------------------------------------------------

def mean_iou(label, pred, num_classes):
    """Mean over the classes in either map of intersection / union, pixels labelled outside the classes left out."""
    valid = label < num_classes
    ious = []
    for c in range(num_classes):
        a, b = (label == c) & valid, (pred == c) & valid
        if a.any() or b.any():
            ious.append((a & b).sum() / (a | b).sum())
    return float(np.mean(ious)) if ious else 0.0


def merge(scene):
    """Paint, suppress and number people on whole maps: (global, human, part, kept, [(person, class, score)])."""
    shape, number = scene.category.shape, len(scene.people)
    global_map = np.zeros(shape, dtype=int)
    for i in sorted(range(number), key=lambda i: scene.bbox_scores[i]):
        if scene.bbox_scores[i] >= 0.3:
            global_map[scene.people[i] > 0] = scene.people[i][scene.people[i] > 0]
    kept = []
    for i in sorted(range(number), key=lambda i: -scene.qualities[i]):
        if all(mean_iou(scene.people[j], scene.people[i], scene.num_classes) < 0.6 for j in kept):
            kept.append(i)
    human_map, visible = np.zeros(shape, dtype=int), np.zeros(shape, dtype=int)
    painters = sorted((i for i in sorted(kept) if scene.qualities[i] >= 0.01), key=lambda i: scene.qualities[i])
    for i in painters:
        mask = scene.people[i] > 0
        human_map[mask], visible[mask] = i + 1, scene.people[i][mask]
    part_map, parts = np.zeros(shape, dtype=int), []
    for i in painters:
        for c in range(1, scene.num_classes):
            mask = (human_map == i + 1) & (visible == c)
            if mask.any():
                parts.append((i, c, scene.part_qualities[i, c - 1]))
                part_map[mask] = len(parts)
    return global_map, human_map, part_map, kept, parts


def prepare(scene) -> Prepared:
    global_map, human_map, part_map, kept, parts = merge(scene)
    return Prepared(
        category=scene.category, human=scene.human, instance=scene.instance,
        gt_parts=[tuple(row) for row in scene.gt_parts.tolist()], predicted=len(scene.people) > 0,
        global_map=global_map, human_map=human_map,
        human_scores={i: scene.qualities[i - 1] for i in np.unique(human_map).tolist() if i}, part_map=part_map,
        parts=[(k, c, score) for k, (_, c, score) in enumerate(parts, 1)],
        people=[(scene.people[i], scene.qualities[i]) for i in sorted(kept)])


# -- scores ------------------------------------------------------------------------------------------------------------

def mask_iou(a, b):
    union = (a | b).sum()
    return (a & b).sum() / union if union else 0.0


def area_under_envelope(hits, num_targets):
    """``hits``: true or false positive of each prediction by descending score."""
    if num_targets == 0:
        return float('nan') if hits else 0.0
    recalls, precisions, count = [], [], 0
    for rank, hit in enumerate(hits, 1):
        count += hit
        recalls.append(count / num_targets)
        precisions.append(count / rank)
    area, before = 0.0, 0.0
    for k, recall in enumerate(recalls):
        if recall > before:
            area += (recall - before) * max(precisions[k:])
            before = recall
    return area


def semantic(images, num_classes):
    """mIoU, mean accuracy, pixel accuracy, IoU of each class; one pass over the pixels a class."""
    inter, label_area, pred_area = (np.zeros(num_classes) for _ in range(3))
    for image in images:
        label, pred = image.category, image.global_map
        valid = label < num_classes
        for c in range(num_classes):
            inter[c] += ((label == c) & (pred == c)).sum()
            label_area[c] += (label == c).sum()
            pred_area[c] += ((pred == c) & valid).sum()
    ious = inter / (label_area + pred_area - inter + 1e-10)
    return ious.mean(), (inter / (label_area + 1e-10)).mean(), inter.sum() / max(label_area.sum(), 1), ious


def person_scores(images, num_classes, thresholds):
    """AP^p and PCP, a list over the thresholds of pairs; every pair of people is compared once."""
    people, num_gt = [], 0
    for number, image in enumerate(images):
        category, human = image.category, image.human
        gt = [category * (human == i) for i in np.unique(human) if i]
        num_gt += len(gt)
        for label_map, score in image.people:
            ious = [mean_iou(person, label_map, num_classes) for person in gt]
            best = int(np.argmax(ious)) if ious else None
            classes = part_ious(gt[best], label_map, num_classes) if ious else []
            people.append((score, (number, best), max(ious, default=0.0), classes))
    people = sorted((person for person in people if person[0] >= 0.01), key=lambda person: -person[0])
    return [person_scores_at(people, num_gt, t) for t in thresholds]


def part_ious(label, pred, num_classes):
    """(class is annotated, IoU) of the classes 1 … C-1 of two people."""
    valid = label < num_classes
    return [((label == c).any(), mask_iou(label == c, (pred == c) & valid)) for c in range(1, num_classes)]


def person_scores_at(people, num_gt, threshold):
    used, hits, pcp = set(), [], 0.0
    for _, target, iou, classes in people:
        hits.append(iou > threshold and target not in used)
        if hits[-1]:
            used.add(target)
            present = sum(annotated for annotated, _ in classes)
            pcp += sum(part_iou > threshold for _, part_iou in classes) / present if present else 0.0
    return area_under_envelope(hits, num_gt), pcp / num_gt if num_gt else float('nan')


def part_scores(images, num_classes, thresholds):
    """AP^r, a list of classes 1 … C-1 of a list over the thresholds; every image is read once a class."""
    table = []
    for c in range(1, num_classes):
        total, predictions = 0, []
        for image in images:
            gt_ids = [i for i, label, _ in image.gt_parts if label == c]
            total += len(gt_ids)
            instance, part_map = image.instance, image.part_map
            for k, label, score in image.parts:
                if label == c:
                    ious = [mask_iou(part_map == k, instance == i) for i in gt_ids]
                    predictions.append((score, max(ious, default=0.0)))
        predictions.sort(key=lambda prediction: -prediction[0])
        table.append([area_under_envelope([iou > t for _, iou in predictions], total) for t in thresholds])
    return table


def human_scores(images, thresholds):
    total, predictions = 0, []
    for image in images:
        human, human_map = image.human, image.human_map
        gt_ids = [i for i in np.unique(human) if i]
        total += len(gt_ids)
        for k, score in image.human_scores.items():
            ious = [mask_iou(human_map == k, human == i) for i in gt_ids]
            predictions.append((score, max(ious, default=0.0)))
    predictions.sort(key=lambda prediction: -prediction[0])
    return [area_under_envelope([iou > t for _, iou in predictions], total) for t in thresholds]


def evaluate(images, num_classes, missing='release'):
    """Every metric by its key, as a fraction."""
    tens, fives = [k / 10 for k in range(1, 10)], [k / 100 for k in range(50, 100, 5)]
    counted = [image for image in images if image.predicted or missing == 'count']
    values = dict(zip(('mIoU', 'mAcc', 'aAcc'), semantic(counted, num_classes)))
    by_threshold = person_scores(images, num_classes, tens)
    for key, column in (('APp', 0), ('PCP', 1)):
        values[key] = float(np.mean([pair[column] for pair in by_threshold]))
        values[f'{key}_50'] = by_threshold[4][column]
    apr = np.nanmean(np.array(part_scores(counted, num_classes, tens)), axis=0)
    values.update(APr=apr.mean(), APr_50=apr[4])
    aph = human_scores(counted, fives)
    values.update(APh=float(np.mean(aph)), APh_50=aph[0], APh_75=aph[5])
    return values

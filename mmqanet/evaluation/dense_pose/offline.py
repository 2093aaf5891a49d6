"""Scoring a file of dense pose detections, from any model, against an annotation file."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.dense_pose.body import BodyFiles, BodySurface, body_of
from mmqanet.evaluation.dense_pose.ignore_regions import box_is_outside, pixels_are_outside, read_regions
from mmqanet.evaluation.dense_pose.matching import ImageRecord, Mode, Precisions, average_precision
from mmqanet.evaluation.dense_pose.result_files import read_charts, read_results
from mmqanet.evaluation.dense_pose.similarity import (
    DetectedPerson,
    Evaluator,
    box_ious,
    mask_ious,
    point_similarity,
    read_people,
)
from mmqanet.structures.coco_people import PERSON_CATEGORY, image_index, load_coco
from mmqanet.utils.files import PathLike
from mmqanet.utils.processes import run_many

FIELDS = ('id', 'image_id', 'bbox', 'area')


@dataclass(frozen=True)
class AnnotatedImage:
    """What an annotation file says of an image, checked: its record, and those of the people in it."""

    image: Mapping[str, Any]
    people: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Task:
    annotated: AnnotatedImage
    detections: Sequence[Mapping[str, Any]]


def evaluate_dense_pose(pred: PathLike, gt: PathLike, body: PathLike, *, modes: Sequence[Mode] = (Mode.GPSM,),
                        evaluator: Evaluator = Evaluator.DETECTRON2, cache: PathLike | None = None, workers: int = 1,
                        progress: bool = False) -> dict[Mode, Precisions]:
    """Average precision of detections.

    Args:
        pred: result file (:mod:`mmqanet.evaluation.dense_pose.result_files`).
        gt: COCO-style annotations with dense pose; people without it are ignored.
        body: folder with the tables of the body.
        modes: which similarities to score by.
        evaluator: reading of the annotated masks.
        cache: ``.npy`` for a float16 copy of the distances, made where it is not there yet.
        workers: processes; they share the distances.
        progress: show a progress bar on the terminal.

    Raises:
        DataError: a file is missing or broken; names file and field.
    """
    images = read_annotations(gt)
    detections = defaultdict(list)
    for record in read_results(pred):
        if record['image_id'] not in images:
            raise DataError(f'{pred}: detections[{record["id"] - 1}]: image_id {record["image_id"]} is not among the images '
                            f'of {gt}')
        detections[record['image_id']].append(record)
    files = BodyFiles.find(body, cache=cache)
    tasks = [_Task(annotated, detections[ident]) for ident, annotated in images.items()
             if annotated.people or detections[ident]]
    records = run_many(partial(_record, files=files, evaluator=evaluator, pred=str(pred), gt=str(gt)), tasks,
                       title='dense pose', workers=workers, progress=progress)
    return {mode: average_precision(records, mode=mode) for mode in modes}


def read_annotations(path: PathLike) -> dict[int, AnnotatedImage]:
    """Images and their people by image id.

    Raises:
        DataError: the file is missing or broken, a field is missing, or nobody has dense pose.
    """
    content = load_coco(str(path))
    images = image_index(content['images'], str(path))
    people: dict[int, list[dict]] = {ident: [] for ident in images}
    for position, annotation in enumerate(content['annotations']):
        name = f'{path}: annotation {annotation.get("id", position)}'
        missing = [field for field in FIELDS if field not in annotation]
        if missing:
            raise DataError(f'{name}: field {missing[0]!r} is missing')
        if annotation['image_id'] not in images:
            raise DataError(f'{name}: image_id {annotation["image_id"]} is not among the images')
        if annotation.get('category_id', PERSON_CATEGORY) == PERSON_CATEGORY:
            people[annotation['image_id']].append(annotation)
    if not any('dp_x' in one for found in people.values() for one in found):
        raise DataError(f'{path}: annotations: nobody has dense pose (dp_x)')
    return {ident: AnnotatedImage(images[ident], found) for ident, found in people.items()}


def _record(task: _Task, *, files: BodyFiles, evaluator: Evaluator, pred: str, gt: str) -> ImageRecord:
    detections = [DetectedPerson(tuple(record['bbox']), record['score'], read_charts(record, pred), record['id'])
                  for record in task.detections]
    scores = np.array([[one.score] for one in detections]).reshape(-1, 1)
    try:
        return record_image(task.annotated, detections, scores, body=body_of(files), evaluator=evaluator)
    except DataError as error:
        raise DataError(f'{gt}: {error}') from None


def record_image(annotated: AnnotatedImage, detections: Sequence[DetectedPerson], scores: np.ndarray, *,
                 body: BodySurface, evaluator: Evaluator) -> ImageRecord:
    """Compare the detections of an image with its people.

    Args:
        annotated: the image.
        detections: D of them.
        scores: (D, S), by each of which average precision can be had.
        body: where distances come from.
        evaluator: reading of the annotated masks.

    Raises:
        InputError: the number of scores is another. DataError: an annotation cannot be used.
    """
    if len(scores) != len(detections):
        raise InputError(f'scores: {len(scores)} rows for {len(detections)} detections')
    image, people = annotated.image, annotated.people
    region = read_regions(image)
    kept = [region is None or pixels_are_outside(one.iuv, one.box, region) for one in detections]
    if region is not None and people:  # the original looks at regions only where somebody is annotated
        people = [person for person in people if box_is_outside(person['bbox'], region)]
        detections, scores = [one for one, keep in zip(detections, kept) if keep], scores[np.array(kept, dtype=bool)]
    shape = (image['height'], image['width'])
    found = read_people(people, body=body, image_shape=shape, evaluator=evaluator)
    return ImageRecord(
        image=image['id'], ids=np.array([one.ident for one in detections], dtype=np.int64), scores=scores,
        areas=np.array([one.box[2] * one.box[3] for one in detections], dtype=np.float64),
        gps=point_similarity(detections, found, body=body), mask_ious=mask_ious(detections, found, image_shape=shape),
        box_ious=box_ious(detections, found), people=np.array([one.ident for one in found], dtype=np.int64),
        people_areas=np.array([one.area for one in found], dtype=np.float64),
        ignored=np.array([one.points is None for one in found], dtype=bool),
        crowds=np.array([one.crowd for one in found], dtype=bool))

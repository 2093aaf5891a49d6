"""Scoring a folder of predictions, from any model, against a prepared split: one pass, one image at a time."""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.folders import complete_names
from mmqanet.evaluation.records import (
    METRIC_NAMES,
    ImageRecord,
    People,
    check_metric_names,
    needs_maps_only,
    record_image,
)
from mmqanet.evaluation.scores import ParsingScores, check_missing, score_records
from mmqanet.evaluation.submission import Submission, read_category, read_submission, submitted_names
from mmqanet.functional.average_precision import INSTANCE_THRESHOLD
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.people import CroppedPeople
from mmqanet.functional.quality import check_threshold
from mmqanet.structures.image_truth import ImageTruth, read_truth
from mmqanet.utils.processes import run_many

HUMAN_METRICS = {'APp', 'PCP', 'APh'}  # those that read Human_ids


@dataclass(frozen=True)
class _Job:
    """Read and match images by name; travels to the worker processes."""

    pred_dir: str
    gt_dir: str
    num_classes: int
    metrics: tuple[str, ...]
    predicted: frozenset[str]
    instance_score_thr: float

    def __call__(self, name: str) -> ImageRecord:
        truth = _read_truth(self.gt_dir, name, num_classes=self.num_classes, metrics=self.metrics)
        parsing: ImageParsing | None = None
        people: People | None = None
        shape = truth.category.shape
        if name in self.predicted and needs_maps_only(self.metrics):
            parsing = ImageParsing.of_nobody(read_category(self.pred_dir, name, num_classes=self.num_classes, shape=shape))
        elif name in self.predicted:
            submission = read_submission(self.pred_dir, name, num_classes=self.num_classes, shape=shape)
            parsing, people = submission, visible_people(submission, instance_score_thr=self.instance_score_thr)
        return record_image(name=name, truth=truth, parsing=parsing, people=people, num_classes=self.num_classes,
                            metrics=self.metrics)


def evaluate_folders(pred_dir: str | Path, gt_dir: str | Path, *, num_classes: int,
                     metrics: Sequence[str] = METRIC_NAMES, missing: str = 'release',
                     instance_score_thr: float = INSTANCE_THRESHOLD, workers: int = 1,
                     progress: bool = False) -> ParsingScores:
    """Score predictions in the submission layout against a split in the prepared layout.

    AP^p and PCP compare the people's *visible* maps, which is what the files hold: the class of the part where the
    person lies. So a person half hidden by another scores lower than in the metric that sees whole people.

    Args:
        pred_dir: folder with global_parsing, instance_segmentation and instance_parsing.
        gt_dir: folder with Category_ids, Human_ids and Instance_ids (PNG + TXT), as far as ``metrics`` need them. Its
            category maps are the images that are scored, sub-folders included.
        num_classes: C, background included.
        metrics, missing: as in :class:`MultiHumanParsingMetric`. With metrics of classes alone, 'mIoU', 'mBIoU' and
            'mTIoU', only global_parsing and Category_ids are read.
        instance_score_thr: people of a lower instance score do not enter AP^p and PCP.
        workers: processes; the result does not depend on it.
        progress: show a progress bar on the terminal.

    Raises:
        DataError: a file is missing, broken or inconsistent, or a prediction has no ground truth; names the file.
    """
    metrics, missing = check_metric_names(metrics), check_missing(missing)
    if not 2 <= num_classes <= 255 or workers < 1:  # label maps are 8 bit, and 255 is ignored
        raise InputError(f'num_classes must be in [2, 255] and workers at least 1, got {num_classes} and {workers}')
    check_threshold(instance_score_thr, name='instance_score_thr')
    names = annotated_names(gt_dir, metrics=metrics)
    predicted = submitted_names(pred_dir, image_only=needs_maps_only(metrics))
    unknown = sorted(set(predicted) - set(names))
    if unknown:
        raise DataError(f'{pred_dir}: prediction for {unknown[0]!r}, which has no ground truth in {gt_dir} '
                        f'({len(unknown)} such images)')
    job = _Job(str(pred_dir), str(gt_dir), num_classes, metrics, frozenset(predicted), instance_score_thr)
    records = run_many(job, names, title='Scoring', workers=workers, progress=progress)
    return score_records(records, num_classes=num_classes, metrics=metrics, missing=missing)


def annotated_names(gt_dir: str | Path, *, metrics: Sequence[str] = METRIC_NAMES) -> list[str]:
    """Sorted names of the images of a prepared split.

    Raises:
        DataError: a folder that ``metrics`` need is missing or empty, or an image has some of its files but not all.
    """
    folder = Path(gt_dir)
    kinds = [('Category_ids', '.png')]
    if set(metrics) & HUMAN_METRICS:
        kinds.append(('Human_ids', '.png'))
    if 'APr' in metrics:
        kinds += [('Instance_ids', '.png'), ('Instance_ids', '.txt')]
    return complete_names(folder, kinds)


def _read_truth(gt_dir: str | Path, name: str, *, num_classes: int, metrics: Sequence[str]) -> ImageTruth:
    """The annotation of image ``name`` in a prepared split, as far as ``metrics`` need it."""
    folder, file = Path(gt_dir), f'{name}.png'
    return read_truth(
        folder / 'Category_ids' / file, folder / 'Human_ids' / file if set(metrics) & HUMAN_METRICS else None,
        folder / 'Instance_ids' / file if 'APr' in metrics else None, num_classes=num_classes)


def visible_people(submission: Submission, *, instance_score_thr: float = INSTANCE_THRESHOLD) -> People:
    """What the files show of each person: its visible pixels with the class of the part they belong to."""
    assert submission.person_scores is not None
    human, number = submission.human, len(submission.person_scores)
    classes = np.concatenate([[0], submission.part_labels]).astype(np.uint8).take(submission.part)
    label_maps, offsets = [], np.zeros((number, 2), dtype=np.int64)
    for index in range(number):
        own = human == index + 1
        ys, xs = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
        window = np.s_[ys[0]:ys[-1] + 1, xs[0]:xs[-1] + 1]
        label_maps.append(classes[window] * own[window])
        offsets[index] = ys[0], xs[0]
    crops = CroppedPeople(label_maps, offsets, (human.shape[0], human.shape[1]))
    return People(crops, submission.person_scores, score_thr=instance_score_thr)

"""The people that a detector finds, as the COCO detection file that a parser is tested with."""
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from mmqanet.errors import InputError
from mmqanet.registry import METRICS
from mmqanet.utils.files import PathLike, write_bytes

PERSON = 'person'
PERSON_CATEGORY = 1


def person_label(classes: Sequence[str] | str) -> int:
    """The index of the person among the classes of a detector.

    Raises:
        InputError: there is none.
    """
    classes = (classes,) if isinstance(classes, str) else tuple(classes)
    names = [str(name).lower() for name in classes]
    if PERSON not in names:
        shown = ', '.join(names[:5]) + (', ...' if len(names) > 5 else '')
        raise InputError(f'the detector knows no class {PERSON!r} among its {len(names)}: {shown}')
    return names.index(PERSON)


@METRICS.register_module()
class DetectionFile(BaseMetric):
    """Measures nothing: writes the people among the detections of a test to a JSON file, whole or not at all.

    The file is a list of ``image_id`` (the annotation file's), ``category_id`` 1, ``bbox`` (xywh in pixels), ``score``,
    by image in the order of the test and by descending score; ``HumanParsingDataset(detection_file=...)`` reads it. Boxes
    without an area, which nobody can crop, are left out.

    Args:
        path: the file.
        score_thr: people below it are left out.
    """

    default_prefix = 'detections'

    def __init__(self, *, path: PathLike, score_thr: float = 0.0) -> None:
        super().__init__(collect_device='cpu')
        self.path = path
        self.score_thr = score_thr

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take samples as mmdet's detectors give them: ``img_id`` and ``pred_instances`` (bboxes, scores, labels)."""
        label = person_label((self.dataset_meta or {}).get('classes', ()))
        for sample in data_samples:
            found = {key: np.asarray(sample['pred_instances'][key].detach().float().cpu())
                     for key in ('bboxes', 'scores', 'labels')}
            people = np.flatnonzero((found['labels'] == label) & (found['scores'] >= self.score_thr))
            people = people[np.argsort(-found['scores'][people], kind='stable')]
            told = [_detection(sample['img_id'], found['bboxes'][person], found['scores'][person]) for person in people]
            self.results.append([person for person in told if min(person['bbox'][2:]) > 0])

    def compute_metrics(self, results: list) -> dict:
        """Write the people of all images to the file; there are no figures to return."""
        people = [person for image in results for person in image]
        write_bytes(self.path, json.dumps(people).encode())
        return {}


def _detection(image_id: int, box: np.ndarray, score: np.ndarray) -> dict:
    """One entry; hundredths of a pixel keep the file small."""
    x1, y1, x2, y2 = (round(float(value), 2) for value in box)
    return dict(image_id=image_id, category_id=PERSON_CATEGORY, bbox=[x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
                score=round(float(score), 5))

#!/usr/bin/env python
"""From which score on to believe a person detector: how many people it finds, and how often it is right, by threshold.

    python tools/analysis_tools/box_thresholds.py data/CCP_crowds/annotations/crowds_val.json people.json

``people.json`` is what ``tools/test.py --detections`` writes. A box is right if its IoU with an annotated person whom no
better box has taken is at least 0.5, as COCO has it.
"""
import argparse
import contextlib
import io
import json
from typing import Any

import numpy as np

from mmqanet.analysis.tables import make_table, print_tables
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import read_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', help='COCO-style JSON of the people')
    parser.add_argument('detections', help='COCO detections')
    parser.add_argument('--thresholds', nargs='+', type=float, default=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], metavar='S')
    args = parser.parse_args()
    scores, right, people = match(args.annotations, args.detections)
    rows = []
    for threshold in args.thresholds:
        kept = right[scores >= threshold]
        found, correct = kept.sum() / people, kept.mean() if len(kept) else np.nan
        rows.append({'people found': 100 * found, 'boxes right': 100 * correct,
                     'F1': 200 * kept.sum() / (people + len(kept))})
    labels = [[f'{threshold:g}'] for threshold in args.thresholds]
    print_tables([make_table('thresholds', f'{people} people, percent', ['score'], labels, rows)])


def match(annotations: str, detections: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Scores of all boxes, whether each is right (bool), and the number of people."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        raise InputError("pycocotools is missing: pip install '.[detection]'") from None
    truth, boxes = COCO(), read_json(detections)
    truth.dataset = read_json(annotations)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools tells how long it takes
        try:
            truth.createIndex()
            evaluation = COCOeval(truth, truth.loadRes(boxes), 'bbox')
        except (KeyError, TypeError, AssertionError, IndexError) as error:
            raise DataError(f'{detections}: not COCO detections of the images of {annotations} ({error!r})') from None
        evaluation.params.iouThrs, evaluation.params.areaRng = np.array([0.5]), evaluation.params.areaRng[:1]
        evaluation.evaluate()
    images = [image for image in evaluation.evalImgs if image]
    counted = [~image['dtIgnore'][0].astype(bool) for image in images]
    scores = [np.array(image['dtScores'])[kept] for image, kept in zip(images, counted)]
    right = [image['dtMatches'][0][kept] > 0 for image, kept in zip(images, counted)]
    people = sum(int((np.asarray(image['gtIgnore']) == 0).sum()) for image in images)
    if not people:
        raise DataError(f'{annotations}: holds no people')
    return np.concatenate(scores), np.concatenate(right), people


def read_json(path: str) -> Any:
    try:
        return json.loads(read_bytes(path))
    except ValueError as error:
        raise DataError(f'{path}: not JSON ({error})') from None


if __name__ == '__main__':
    run_tool(main)

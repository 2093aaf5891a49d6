#!/usr/bin/env python
"""From which score on to believe a person detector: how many people it finds, and how often it is right, by threshold.

    python tools/analysis_tools/box_thresholds.py data/CCP_crowds/annotations/crowds_val.json people.json
    python tools/analysis_tools/box_thresholds.py data/people/people_val.json people.json --heights 0 5 10 20 40 100

``people.json`` is what ``tools/test.py --detections`` writes. A box is right if its IoU with an annotated person whom no
better box has taken is at least 0.5, as COCO has it. Annotations with ``iscrowd`` 1 count nowhere, nor do boxes that lie on
them. With ``--heights`` a second table tells which share of the people of each height is found. With ``--by set``
another has a row for the images of each value of their field ``set``, the kind of photo.
"""
import argparse
import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mmqanet.analysis.tables import Table, make_table, print_tables
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import read_json
from mmqanet.utils.wording import count_of


@dataclass(frozen=True)
class Matching:
    """How boxes and people of a data set go together.

    Args:
        scores: (N,) of the boxes.
        right: (N,) bool, whether each box is.
        heights: (M,) of the people's boxes, in percent of the height of their picture.
        found: (M,) score of the box that is right about each person, -inf where there is none.
    """

    scores: np.ndarray
    right: np.ndarray
    heights: np.ndarray
    found: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', help='COCO-style JSON of the people')
    parser.add_argument('detections', help='COCO detections')
    parser.add_argument('--thresholds', nargs='+', type=float, default=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], metavar='S')
    parser.add_argument('--heights', nargs='+', type=float, default=[], metavar='PERCENT',
                        help="limits of the second table's rows, rising, in percent of the picture's height")
    parser.add_argument('--by', metavar='FIELD', help='field of the images in the annotation file: one row for each value')
    args = parser.parse_args()
    if len(args.heights) == 1 or any(lower >= upper for lower, upper in pairwise(args.heights)):
        raise InputError(f'--heights: two or more rising limits are needed, not {args.heights}')
    matching = match(args.annotations, args.detections)
    tables = [threshold_table(matching, args.thresholds)]
    if args.heights:
        tables.append(height_table(matching, args.thresholds, args.heights))
    if args.by:
        tables.append(field_table(args.annotations, args.detections, args.by, args.thresholds))
    print_tables(tables)


def threshold_table(matching: Matching, thresholds: Sequence[float]) -> Table:
    """Share of the people found, share of the boxes that are right, and F1, one row a threshold."""
    people, rows = len(matching.heights), []
    for threshold in thresholds:
        kept = matching.right[matching.scores >= threshold]
        found, correct = kept.sum() / people, kept.mean() if len(kept) else np.nan
        rows.append({'people found': 100 * found, 'boxes right': 100 * correct,
                     'F1': 200 * kept.sum() / (people + len(kept))})
    labels = [[f'{threshold:g}'] for threshold in thresholds]
    return make_table('thresholds', f'{count_of(people, "person", "people")}, percent', ['score'], labels, rows)


def height_table(matching: Matching, thresholds: Sequence[float], limits: Sequence[float]) -> Table:
    """Share of the people found, one row a range of heights from one limit up to the next, one column a threshold."""
    labels, rows = [], []
    for lower, upper in pairwise(limits):
        found = matching.found[(matching.heights >= lower) & (matching.heights < upper)]
        labels.append([f'{lower:g}-{upper:g}', str(len(found))])
        rows.append({f'from {threshold:g}': 100 * (found >= threshold).mean() if len(found) else np.nan
                     for threshold in thresholds})
    return make_table('heights', "people found by height, percent of the picture's", ['height', 'people'], labels, rows)


def field_table(annotations: str, detections: str, field: str, thresholds: Sequence[float]) -> Table:
    """People found and boxes right, one row a value of a field of the images, two columns a threshold."""
    groups: dict[str, list[int]] = {}
    for image in read_json(annotations)['images']:
        if field not in image:
            raise InputError(f'--by: image {image["id"]} of {annotations} has no {field}')
        groups.setdefault(str(image[field]), []).append(image['id'])
    labels, rows = [], []
    for value, images in sorted(groups.items()):
        matching = match(annotations, detections, images=images)
        people, row = len(matching.heights), {}
        for threshold in thresholds:
            kept = matching.right[matching.scores >= threshold]
            row[f'found from {threshold:g}'] = 100 * kept.sum() / people if people else np.nan
            row[f'right from {threshold:g}'] = 100 * kept.mean() if len(kept) else np.nan
        labels.append([value, str(len(images)), str(people)])
        rows.append(row)
    return make_table('by', f'people found and boxes right by {field}, percent', [field, 'images', 'people'], labels, rows)


def match(annotations: str, detections: str, *, images: Sequence[int] | None = None) -> Matching:
    """Match the boxes of a detection file with the people of an annotation file, or of some of its images.

    Raises:
        DataError: a file cannot be read, they do not belong together, or there are no people.
        InputError: pycocotools is missing.
    """
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
        if images is not None:
            evaluation.params.imgIds = list(images)
        evaluation.evaluate()
    seen = [image for image in evaluation.evalImgs if image]
    counted = [~image['dtIgnore'][0].astype(bool) for image in seen]
    scores = [np.array(image['dtScores'])[kept] for image, kept in zip(seen, counted)]
    right = [image['dtMatches'][0][kept] > 0 for image, kept in zip(seen, counted)]
    score_of = {number: score for image in seen for number, score in zip(image['dtIds'], image['dtScores'])}
    heights, found = [], []
    for image in seen:
        height = truth.imgs[image['image_id']]['height']
        for number, ignored, box in zip(image['gtIds'], image['gtIgnore'], image['gtMatches'][0]):
            if not ignored:
                heights.append(100 * truth.anns[number]['bbox'][3] / height)
                found.append(score_of.get(box, -np.inf))  # ids of boxes begin with 1, 0 is none
    if not heights and images is None:
        raise DataError(f'{annotations}: holds no people')
    return Matching(np.concatenate([*scores, np.zeros(0)]), np.concatenate([*right, np.zeros(0, bool)]), np.array(heights),
                    np.array(found))


if __name__ == '__main__':
    run_tool(main)

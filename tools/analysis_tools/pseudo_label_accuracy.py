#!/usr/bin/env python
"""How right pseudo-labels are, on photos whose labels are known: the classes of the annotation stand in for tags.

    python tools/analysis_tools/pseudo_label_accuracy.py data/CCP_sides --checkpoint work_dirs/sides_crowds/epoch_4.pth

Prints, without tags and with them, for each least quality of a part: the share of the labelled pixels that keep a label
(people's pixels, by the annotation or the parser), the share of these whose label is right, and the mean of the latter over
the classes of the annotation; in percent. Labels are made as tools/dataset_converters/pseudo_labels.py makes them.
"""
import argparse
from pathlib import Path

import numpy as np
from rich.progress import track

from mmqanet.analysis.tables import make_table, print_tables
from mmqanet.apis import init_model
from mmqanet.apis.restricted import parse_restricted
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_ORIGINS, CCPSidesDataset
from mmqanet.engine.launch import run_tool
from mmqanet.preparation.pseudo_labels import IGNORE, keep_sure
from mmqanet.utils.files import read_label_map
from mmqanet.utils.images import read_image

THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='prepared folder of CCPSidesDataset')
    parser.add_argument('--config', help='config of the parser (default: the one in the checkpoint)')
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument('--quality-thr', type=float, nargs='+', default=THRESHOLDS, metavar='Q', help='least qualities')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N photos only')
    args = parser.parse_args()
    model = init_model(args.config, args.checkpoint)
    photos = CCPSidesDataset(
        ann_file='annotations/CCP_val.json', data_root=str(args.root), test_mode=True,
        data_prefix=dict(img='Validation/Images', category='Validation/Category_ids'))
    counts = {(tags, thr): np.zeros((len(CCP_SIDES_CLASSES) + 1, 3), np.int64)
              for tags in (False, True) for thr in args.quality_thr}
    for index in track(range(len(photos))[:args.limit], description='labelling'):
        info = photos.get_data_info(index)
        image, truth = read_image(info['img_path']), read_label_map(info['category_path'])
        for tags in (False, True):
            possible = seen(truth) if tags else np.ones(len(CCP_SIDES_CLASSES), bool)
            sample = parse_restricted(model, image, info['bboxes'][0], possible)
            labels = sample.pred_maps.category[0].numpy().astype(np.uint8)
            for thr in args.quality_thr:
                kept = keep_sure(labels, sample.pred_instances.part_qualities[0].numpy(), quality_thr=thr)
                counts[tags, thr] += count(kept, truth, labels)
    rows = [figures(table) for table in counts.values()]
    names = [['yes' if tags else 'no', f'{thr:g}'] for tags, thr in counts]
    print_tables([make_table('pseudo-labels', 'percent', ['tags', 'quality from'], names, rows)])


def seen(truth: np.ndarray) -> np.ndarray:
    """(C,) bool: the classes that tags would name, left and right together."""
    origins = np.array(CCP_SIDES_ORIGINS)
    return np.isin(origins, origins[np.setdiff1d(truth, [IGNORE])])


def count(kept: np.ndarray, truth: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each true class (C + 1, the last unused) the pixels of people, those that keep a label, and those rightly so."""
    people = (truth != IGNORE) & ((truth > 0) | (labels > 0))
    return np.stack([np.bincount(truth[people & mask], minlength=len(CCP_SIDES_CLASSES) + 1)
                     for mask in (True, kept != IGNORE, kept == truth)], axis=1)


def figures(table: np.ndarray) -> dict[str, float]:
    """Percent."""
    pixels, kept, right = table.sum(0)
    by_class = table[table[:, 1] > 0]
    mean = (by_class[:, 2] / by_class[:, 1]).mean() if len(by_class) else np.nan
    return {'kept': 100 * kept / pixels, 'right': 100 * right / max(kept, 1), 'right, mean of classes': 100 * mean}


if __name__ == '__main__':
    run_tool(main)

#!/usr/bin/env python
"""How often a parser tells left from right, on photos whose labels do.

    python tools/analysis_tools/side_accuracy.py data/CCP_sides --checkpoint work_dirs/sides_crowds/epoch_4.pth

Of the pixels that label and parser call, for instance, an arm: the share whose side is right too. Annotated boxes; percent.
"""
import argparse
from pathlib import Path

import numpy as np
from rich.progress import track

from mmqanet.analysis.tables import make_table, print_tables
from mmqanet.apis import inference_topdown, init_model
from mmqanet.datasets import CCPSidesDataset
from mmqanet.engine.launch import run_tool
from mmqanet.utils.files import read_label_map

PAIRS = CCPSidesDataset.METAINFO['flip_pairs']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='prepared folder of CCPSidesDataset')
    parser.add_argument('--config', help='config of the parser (default: the one in the checkpoint)')
    parser.add_argument('--checkpoint', required=True)
    parser.add_argument('--limit', type=int, metavar='N', help='the first N photos only')
    args = parser.parse_args()
    model = init_model(args.config, args.checkpoint)
    photos = CCPSidesDataset(
        ann_file='annotations/CCP_val.json', data_root=str(args.root), test_mode=True,
        data_prefix=dict(img='Validation/Images', category='Validation/Category_ids'))
    counts = np.zeros((len(PAIRS), 2), np.int64)
    for index in track(range(len(photos))[:args.limit], description='parsing'):
        info = photos.get_data_info(index)
        sample, = inference_topdown(model, info['img_path'], info['bboxes'])
        counts += count_sides(read_label_map(info['category_path']), sample.pred_maps.category[0].numpy())
    names = [photos.metainfo['classes'][left].removeprefix('left-') for left, _ in PAIRS]
    counts = np.concatenate([counts, counts.sum(axis=0, keepdims=True)])
    labels = [[name, f'{pixels:,}'] for name, pixels in zip([*names, 'all'], counts[:, 0], strict=True)]
    rows = [{'right side': 100 * right / max(pixels, 1)} for pixels, right in counts]
    print_tables([make_table('sides', 'percent', ['part', 'pixels that agree otherwise'], labels, rows)])


def count_sides(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """For each pair of classes the pixels that both maps (H, W) give one of the two, and those that they give the same."""
    both = [np.isin(truth, pair) & np.isin(found, pair) for pair in PAIRS]
    return np.array([[mask.sum(), (mask & (truth == found)).sum()] for mask in both])


if __name__ == '__main__':
    run_tool(main)

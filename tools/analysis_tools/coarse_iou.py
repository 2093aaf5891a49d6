#!/usr/bin/env python
"""How a parser does on photos with coarse labels, e.g. portraits with hair, clothing and skin, as `mmqanet parse` sees them.

    python tools/analysis_tools/coarse_iou.py portraits/photos portraits/labels \\
        --labels background hair clothing skin --views colour grey

--labels names what 0, 1, 2, ... stand for in LABELS/NAME.png; '-' and all beyond are not counted. People are found by the
shipped detector. Prints the IoU of each group over the pixels of all photos and their mean, in percent; with --views also of
the photos made grey, dark, small (120 pixels high) or cut to their upper half.
"""
import argparse
from pathlib import Path

import numpy as np

from mmqanet.analysis.tables import make_table, print_tables
from mmqanet.apis import HumanParsingInferencer
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError
from mmqanet.evaluation.coarse import CoarseScores
from mmqanet.evaluation.views import VIEWS
from mmqanet.utils.files import read_label_map
from mmqanet.utils.images import read_image
from mmqanet.utils.wording import count_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('photos', type=Path, help='folder of photos')
    parser.add_argument('names', type=Path, metavar='labels', help='folder of label maps, one for each photo to be counted')
    parser.add_argument('--labels', nargs='+', required=True, metavar='NAME', help='what the labels mean')
    parser.add_argument('--config', help='config of the parser (default: the one in the checkpoint)')
    parser.add_argument('--checkpoint', help='checkpoint of the parser (default: the shipped one)')
    parser.add_argument('--detector', default='shipped', help='as of `mmqanet parse`; "image" makes each photo one person')
    parser.add_argument('--views', nargs='+', choices=list(VIEWS), default=['colour'], metavar='VIEW',
                        help=f'kinds of photos to make of them: {", ".join(VIEWS)}')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='every Nth photo only')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N of these only')
    args = parser.parse_args()
    boxes = 'image' if args.detector == 'image' else None
    inferencer = HumanParsingInferencer(
        args.config, args.checkpoint, detector=None if boxes else args.detector)
    paths = sorted(args.names.glob('*.png'))[::args.every][:args.limit]
    if not paths:
        raise DataError(f'{args.names}: no label maps (*.png)')
    rows = [score(inferencer, paths, args.photos, labels=args.labels, view=view, boxes=boxes) for view in args.views]
    print_tables([make_table('coarse', f'IoU of {count_of(len(paths), "photo")}, percent', ['photos'],
                             [[view] for view in args.views], rows)])


def score(inferencer: HumanParsingInferencer, paths: list[Path], photos: Path, *, labels: list[str], view: str,
          boxes: str | None) -> dict[str, float]:
    """IoU of each group and their mean, in percent."""
    scores = CoarseScores(labels, inferencer.dataset_meta['classes'])
    for path in paths:
        image, truth = VIEWS[view](read_image(find_photo(photos, path.stem)), read_label_map(path))
        sample, = inferencer(image, boxes=boxes, return_datasamples=True)['predictions']
        scores.add(truth, sample.pred_maps.category[0].numpy(), name=path)
    return {**{group: 100 * float(iou) for group, iou in zip(scores.groups, scores.iou)},
            'mean IoU': 100 * float(np.nanmean(scores.iou))}


def find_photo(folder: Path, name: str) -> Path:
    """The photo of that name, whatever its format."""
    found = sorted(folder.glob(f'{name}.*'))
    if len(found) != 1:
        raise DataError(f'{folder}: {len(found)} photos called {name}, but one is needed')
    return found[0]


if __name__ == '__main__':
    run_tool(main)

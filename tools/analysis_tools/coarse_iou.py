#!/usr/bin/env python
"""How a parser does on photos with coarse labels, e.g. portraits with hair, clothing and skin, as `mmqanet parse` sees them.

    python tools/analysis_tools/coarse_iou.py portraits/photos portraits/labels \\
        --labels background hair clothing skin --views colour grey

--labels names what 0, 1, 2, ... stand for in LABELS/NAME.png; '-' and all beyond are not counted. People are found by the
shipped detector. Prints the IoU of each group over the pixels of all photos and their mean, in percent; with --views also of
the photos made grey, dark, small (120 pixels high) or cut to their upper half. With --qualities also how far qualities and
expected IoUs of parts lie from their true IoUs, of groups that one class of the model makes up.
"""
import argparse
from pathlib import Path

import numpy as np

from mmqanet.analysis.coarse_qualities import CoarseQualities
from mmqanet.analysis.tables import Table, make_table, print_tables
from mmqanet.apis import HumanParsingInferencer
from mmqanet.apis.inference import require_calibration
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError
from mmqanet.evaluation.coarse import CoarseScores
from mmqanet.evaluation.views import VIEWS
from mmqanet.utils.files import read_label_map
from mmqanet.utils.folders import visible_files
from mmqanet.utils.images import read_image
from mmqanet.utils.wording import count_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('photos', type=Path, help='folder of photos')
    parser.add_argument('names', type=Path, metavar='labels', help='folder of label maps, one for each photo to be counted')
    parser.add_argument('--labels', nargs='+', required=True, metavar='NAME', help='what the labels mean')
    parser.add_argument('--config', help='config of the parser (default: the one in the checkpoint)')
    parser.add_argument('--checkpoint', help='checkpoint of the parser (default: the shipped one)')
    parser.add_argument('--classes', metavar='NAME', help='label set of the parser (default: as of `mmqanet parse`)')
    parser.add_argument('--detector', default='shipped', help='as of `mmqanet parse`; "image" makes each photo one person')
    parser.add_argument('--views', nargs='+', choices=list(VIEWS), default=['colour'], metavar='VIEW',
                        help=f'kinds of photos to make of them: {", ".join(VIEWS)}')
    parser.add_argument('--qualities', action='store_true',
                        help='also compare qualities with true IoUs; the photos must show one person each')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='every Nth photo only')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N of these only')
    args = parser.parse_args()
    boxes = 'image' if args.detector == 'image' else None
    inferencer = HumanParsingInferencer(
        args.config, args.checkpoint, detector=None if boxes else args.detector, classes=args.classes)
    paths = [path for path in visible_files(args.names) if path.suffix == '.png'][::args.every][:args.limit]
    if not paths:
        raise DataError(f'{args.names}: no label maps (*.png)')
    qualities = {}
    if args.qualities:
        require_calibration(inferencer.model, where='--qualities')
        qualities = {view: CoarseQualities(args.labels, inferencer.dataset_meta['classes']) for view in args.views}
    rows = [score(inferencer, paths, args.photos, labels=args.labels, view=view, boxes=boxes, qualities=qualities.get(view))
            for view in args.views]
    tables = [make_table('coarse', f'IoU of {count_of(len(paths), "photo")}, percent', ['photos'],
                         [[view] for view in args.views], rows)]
    print_tables([*tables, table_of(qualities)] if qualities else tables)


def table_of(qualities: dict[str, CoarseQualities]) -> Table:
    """What the qualities of parts promise and what is true, by view of the photos and group."""
    found = {(view, group): pair for view, one in qualities.items() for group, pair in one.reliabilities().items()}
    rows = [{'parts': len(before.scores), 'quality': 100 * mean(before.scores), 'expected IoU': 100 * mean(after.scores),
             'true IoU': 100 * mean(before.truths), 'error before': 100 * before.calibration_error,
             'after': 100 * after.calibration_error} for before, after in found.values()]
    return make_table('qualities', 'Means, and calibration error before and after, percent', ['photos', 'of'],
                      [list(label) for label in found], rows)


def mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def score(inferencer: HumanParsingInferencer, paths: list[Path], photos: Path, *, labels: list[str], view: str,
          boxes: str | None, qualities: CoarseQualities | None) -> dict[str, float]:
    """IoU of each group and their mean, in percent."""
    scores = CoarseScores(labels, inferencer.dataset_meta['classes'])
    for path in paths:
        image, truth = VIEWS[view](read_image(find_photo(photos, path.stem)), read_label_map(path))
        sample, = inferencer(image, boxes=boxes, return_datasamples=True)['predictions']
        scores.add(truth, sample.pred_maps.category[0].numpy(), name=path)
        if qualities is not None:
            qualities.add(truth, sample)
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

"""``mmqanet evaluate``: score a folder of predictions, from any model, against a prepared split."""
import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmqanet.cli.arguments import at_least_one, output_path
from mmqanet.cli.outputs import make_folder, refuse_folder
from mmqanet.errors import DataError, InputError
from mmqanet.utils.console import say
from mmqanet.utils.files import check_overwrites, read_bytes, write_bytes

# Of mmqanet.evaluation, which --help need not import.
METRIC_NAMES = ('mIoU', 'APp', 'PCP', 'APr', 'APh')
ALL_METRICS = (*METRIC_NAMES, 'mBIoU', 'mTIoU')
MISSING_READINGS = ('release', 'count')
READ_FOLDERS = ('global_parsing', 'instance_segmentation', 'instance_parsing', 'Category_ids', 'Human_ids', 'Instance_ids')


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the subcommand to an ``argparse`` subparsers object; ``args.run(args)`` runs it."""
    parser = subparsers.add_parser(
        'evaluate', help='score predictions in the submission layout',
        description='Score predictions in the submission layout of the challenge servers against a prepared split. '
                    'AP^p and PCP use the visible maps that the files hold.')
    parser.add_argument('--pred', required=True, metavar='DIR',
                        help='folder with global_parsing, instance_segmentation, instance_parsing')
    parser.add_argument('--gt', required=True, metavar='DIR', help='folder with Category_ids, Human_ids, Instance_ids')
    parser.add_argument('--num-classes', required=True, type=at_least_one, metavar='C', help='classes, background included')
    parser.add_argument('--class-names', metavar='FILE', help='text file with one class name a line, background first')
    parser.add_argument('--metrics', nargs='+', default=METRIC_NAMES, choices=ALL_METRICS, metavar='NAME',
                        help=f'which to compute, of {", ".join(METRIC_NAMES)} (the default), mBIoU (Boundary IoU) and mTIoU '
                             '(IoU near annotated borders); mIoU, mBIoU and mTIoU need the category maps only')
    parser.add_argument('--rank', type=int, choices=(1, 2), metavar='TRACK', help='also tell the score by which track 1 '
                        '(pictures) or 2 (videos) of the LIP challenge ranks')
    parser.add_argument('--missing', default='release', choices=MISSING_READINGS,
                        help='how images without prediction count: "release" leaves them out of mIoU, AP^r and AP^h, '
                             '"count" counts them everywhere')
    parser.add_argument('--instance-score-thr', type=float, default=0.01, metavar='S',
                        help='people of a lower instance score do not enter AP^p and PCP (default: 0.01, as '
                             "the post-processor's instance_score_thr)")
    parser.add_argument('--workers', type=at_least_one, default=1, metavar='N', help='worker processes')
    parser.add_argument('--json', type=output_path, metavar='FILE',
                        help='write the scores, unrounded fractions, to a JSON file')
    parser.add_argument('--plots', type=output_path, metavar='DIR',
                        help='write precision-recall curves, per-class bars and the confusion matrix as PNG')
    parser.add_argument('--no-progress', action='store_true', help='show no progress bar')
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Score the folders that the arguments name and print the tables; the exit status."""
    from mmqanet.evaluation import evaluate_folders
    from mmqanet.evaluation.packing import COLUMNS, rank_score
    from mmqanet.evaluation.report import class_columns, class_table, scores_json, summary_table

    if not 2 <= args.num_classes <= 255:
        raise InputError(f'--num-classes must lie in [2, 255], got {args.num_classes}')
    if args.rank and not set(COLUMNS[args.rank]) <= set(args.metrics):
        raise InputError(f'--rank {args.rank} needs --metrics {" ".join(COLUMNS[args.rank])}')
    names = class_names(args.class_names, args.num_classes)
    check_outputs(args.json, args.plots, given=args.class_names, folders=(args.pred, args.gt))
    scores = evaluate_folders(
        args.pred, args.gt, num_classes=args.num_classes, metrics=args.metrics, missing=args.missing,
        instance_score_thr=args.instance_score_thr, workers=args.workers, progress=not args.no_progress)
    if args.rank:
        scores.values['rank_score'] = rank_score(scores.values, args.rank)
    if args.json:
        write_bytes(Path(args.json), scores_json(scores, class_names=names).encode())
    if args.plots:
        draw(scores, names, Path(args.plots))
    if class_columns(scores):
        say(class_table(scores, class_names=names))
    say(summary_table(scores))
    return 0


def check_outputs(json_path: str | None, plots: str | None, *, given: str | None, folders: Sequence[str]) -> None:
    """Refuse outputs that cannot be written before the work is done, not after, and those that would overwrite a file that
    is read: ``given``, or one in a folder of ``folders``."""
    for option, path in (('--json', json_path), ('--plots', plots)):
        for other in folders if path else ():
            below = os.path.relpath(os.path.realpath(str(path)), os.path.realpath(other))
            if below.split(os.sep)[0] in READ_FOLDERS:
                raise InputError(f'{option} {path}: lies among the files that are scored')
    if json_path:
        check_overwrites(json_path, [given])
        refuse_folder('--json', json_path)
    for option, folder in (('--json', Path(json_path).parent if json_path else None), ('--plots', plots)):
        if folder is not None:
            make_folder(folder, told=f'{option} {folder}')


def class_names(path: str | None, num_classes: int) -> list[str]:
    """The names in the file, or 'background', 'class 1' and so on without one."""
    if path is None:
        return ['background', *(f'class {index}' for index in range(1, num_classes))]
    try:
        names = read_bytes(path).decode('utf-8-sig').split('\n')
    except DataError as error:
        raise InputError(f'--class-names {error}') from None
    except UnicodeDecodeError as error:
        raise InputError(f'--class-names {path}: {error}') from None
    names = [name.strip() for name in names if name.strip()]
    if len(names) != num_classes or len(set(names)) != num_classes:
        raise InputError(f'--class-names {path}: {len(names)} names ({len(set(names))} distinct) for '
                         f'{num_classes} classes')
    return names


def draw(scores: Any, names: list[str], folder: Path) -> None:
    """The pictures that the scores allow."""
    from mmqanet.evaluation.curves import precision_recall_curves
    from mmqanet.evaluation.report import class_columns
    from mmqanet.visualization import metric_plots  # matplotlib is slow to import

    if scores.confusion is not None:
        metric_plots.draw_confusion(folder / 'confusion.png', confusion=scores.confusion, class_names=names)
    if class_columns(scores):
        metric_plots.draw_class_bars(folder / 'per_class.png', columns=class_columns(scores), class_names=names)
    for key, curves in precision_recall_curves(scores, class_names=names).items():
        metric_plots.draw_precision_recall(folder / f'precision_recall_{key}.png', title=key, curves=curves)

"""``mmqanet evaluate-densepose``: score a file of dense pose detections against COCO-style annotations."""
import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmqanet.cli.arguments import output_path
from mmqanet.cli.outputs import make_folder, refuse_folder
from mmqanet.errors import InputError
from mmqanet.utils.console import say
from mmqanet.utils.files import PathLike, check_overwrites, write_bytes

# Of mmqanet.evaluation.dense_pose, which --help need not import.
MODES = ('GPSm', 'GPS', 'IOU')
EVALUATORS = ('detectron2', 'released')


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the subcommand to an ``argparse`` subparsers object; ``args.run(args)`` runs it."""
    parser = subparsers.add_parser(
        'evaluate-densepose', help='score dense pose detections by GPS or GPSm',
        description='Score dense pose detections in COCO result format against annotations with dense pose. Prints '
                    'average precision and recall in percent; the JSON holds fractions, -1 where nobody has to be found.')
    parser.add_argument('--pred', required=True, metavar='FILE',
                        help='JSON list of detections; the charts are in it (uv_data, uv_shape) or in STEM_uv.npz beside it')
    parser.add_argument('--gt', required=True, metavar='FILE', help='COCO-style annotations with dp_* fields')
    parser.add_argument('--body', required=True, metavar='DIR',
                        help='folder with SMPL_subdiv.mat, SMPL_SUBDIV_TRANSFORM.mat and Pdist_matrix.mat')
    parser.add_argument('--mode', default='GPSm', choices=MODES,
                        help='similarity: points and mask, points, or mask (default: GPSm)')
    parser.add_argument('--evaluator', default='detectron2', choices=EVALUATORS,
                        help='how annotated masks are read: as detectron2 does, or as the release of QANet (default: '
                             'detectron2); GPS is the same')
    parser.add_argument('--cache', metavar='FILE',
                        help='.npy file for a float16 copy of the distances, made by the first run; scores then differ from '
                             'those without it in the fourth digit')
    parser.add_argument('--workers', type=int, default=1, metavar='N', help='worker processes')
    parser.add_argument('--json', type=output_path, metavar='FILE',
                        help='write the scores, unrounded fractions, to a JSON file')
    parser.add_argument('--no-progress', action='store_true', help='show no progress bar')
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Score the detections; exit status 0."""
    from mmqanet.evaluation.dense_pose import Evaluator, Mode, evaluate_dense_pose
    from mmqanet.evaluation.dense_pose.body import body_files
    from mmqanet.evaluation.dense_pose.result_files import array_file

    if args.cache and Path(args.cache).suffix != '.npy':
        raise InputError(f'--cache {args.cache}: the name must end in .npy')
    check_output(args.json, given=(args.pred, args.gt, array_file(args.pred), args.cache, *body_files(args.body)))
    mode, evaluator = Mode(args.mode), Evaluator(args.evaluator)
    values = evaluate_dense_pose(args.pred, args.gt, args.body, modes=[mode], evaluator=evaluator, cache=args.cache,
                                 workers=args.workers, progress=not args.no_progress)[mode].values()
    if args.json:
        content = json.dumps({**values, 'mode': mode.value, 'evaluator': evaluator.value}, indent=1)
        write_bytes(Path(args.json), f'{content}\n'.encode())
    say(table(values, title=f'{mode.value} ({evaluator.value} evaluator)'))
    return 0


def table(values: Mapping[str, float], *, title: str) -> str:
    """Two lines of percent under a title, '-' where nobody has to be found."""
    lines = [title]
    for name in ('AP', 'AR'):
        keys = [name, *(f'{name}{end}' for end in ('50', '75', 'm', 'l'))]
        lines.append('  '.join(f'{key} {format_percent(values[key])}' for key in keys))
    return '\n'.join(lines)


def format_percent(value: float) -> str:
    """A fraction in percent with two decimals."""
    return '-' if value < 0 else f'{100 * value:.2f}'


def check_output(path: str | None, *, given: Sequence[PathLike | None]) -> None:
    """Refuse an output that cannot be written, or would overwrite a file that is read, before the work is done."""
    if path is None:
        return
    check_overwrites(path, given)
    refuse_folder('--json', path)
    make_folder(Path(path).parent, told=f'--json {path}')

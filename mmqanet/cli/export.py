"""``mmqanet export``: write a parser, and a detector, as ONNX files that run without torch."""
import argparse
from pathlib import Path
from typing import Any

from mmqanet.cli.arguments import output_path
from mmqanet.errors import InputError, printable
from mmqanet.utils.console import say

DESCRIPTION = """
Write parser.onnx (crops to probabilities and IoU scores), person.onnx (one person's crop to labels and qualities, the
quality-aware module inside), detector.onnx (where there is a detector), meta.json, and runtime.py, which parses pictures
with them and needs numpy, Pillow and onnxruntime only. What was written is compared with torch. Without --config and
--checkpoint the model and detector of the package are exported.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the sub-command ``export`` with its options."""
    parser = subparsers.add_parser('export', help='write a model as ONNX files', description=DESCRIPTION)
    parser.add_argument('--out', required=True, type=output_path, metavar='DIR', help='folder to write to')
    parser.add_argument('--config', metavar='CONFIG', help='config file, or the name of a model of model-index.yml')
    parser.add_argument('--checkpoint', metavar='CKPT', help='its weights; enough alone where they carry their config')
    parser.add_argument('--detector', metavar='CONFIG', help='config of a light FCOS, a checkpoint that carries its config, '
                        'or "shipped" (default: that of the package for the model of the package)')
    parser.add_argument('--detector-checkpoint', metavar='CKPT', help="the detector's weights")
    parser.add_argument('--classes', metavar='NAME', help='label set to predict, as of mmqanet parse')
    parser.add_argument('--flip', action=argparse.BooleanOptionalAction,
                        help='average over the mirror image, twice the work; fixed in the file (default: as configured)')
    parser.add_argument('--half', action='store_true', help='weights and features in half precision, for GPUs and browsers')
    parser.add_argument('--int8', metavar='DIR', help='features in 8 bits, calibrated on the pictures of a folder')
    parser.add_argument('--opset', type=int, default=18, help='version of ONNX operators (default: 18, the least)')
    parser.add_argument('--photos', nargs='*', default=[], metavar='PICTURE',
                        help='pictures to compare with torch on, as one person each (default: noise)')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export, compare, write. Nothing is written of what does not agree."""
    from mmqanet.apis.export import export_model  # here, so that --help answers at once
    from mmqanet.deployment.export import check_export_folder, require_onnx, write_export

    if args.half and args.int8:
        raise InputError('--half and --int8 contradict each other')
    require_onnx('onnx', 'onnxruntime')
    check_export_folder(Path(args.out))
    files, meta, agreement = export_model(
        args.config, args.checkpoint, detector=args.detector, detector_weights=args.detector_checkpoint, flip=args.flip,
        classes=args.classes, half=args.half, calibration=args.int8, opset=args.opset, photos=args.photos)
    write_export(Path(args.out), files, meta)
    say_what_was_written(files, agreement, args)
    return 0


def say_what_was_written(files: dict[str, bytes], agreement: Any, args: argparse.Namespace) -> None:
    """Tell the sizes of the files, and how far their results lie from torch's."""
    for name, content in files.items():
        say(f'{name}: {len(content) / 2**20:.1f} MiB, opset {args.opset}')
    say(f'{agreement}')
    say(f'-> {printable(str(args.out))}')

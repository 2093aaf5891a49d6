"""Convert PASCAL-Part's MATLAB files to PASCAL-Person-Part in the prepared layout; docs/data/pascal_person_part.md.

    python tools/dataset_converters/pascal_person_part.py PASCAL-Part data/PASCAL-Person-Part \\
        --images VOCdevkit/VOC2010/JPEGImages --lists train_id.txt test_id.txt
    python tools/dataset_converters/pascal_person_part.py --verify data/PASCAL-Person-Part

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import argparse
import sys
from pathlib import Path

from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.pascal_person_part import NECKS, PascalPersonPartConverter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--lists', type=Path, nargs=2, default=[], metavar=('TRAIN', 'TEST'),
                        help='files with the names of each split, one a line; needed to convert')
    parser.add_argument('--images', type=Path, help="folder of VOC 2010's photos (default: JPEGImages below SRC)")
    parser.add_argument('--neck', choices=NECKS, default='head', help='the class that the neck belongs to')


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(
        lambda args: PascalPersonPartConverter(source=args.source, lists=tuple(args.lists), images=args.images,
                                               neck=args.neck),
        doc=__doc__, argv=argv, source='folder with Annotations_Part/', add_arguments=add_arguments)


if __name__ == '__main__':
    sys.exit(main())

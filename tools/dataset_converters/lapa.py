"""Convert LaPa to the prepared layout, with boxes of heads; docs/data/faces.md.

    python tools/dataset_converters/lapa.py LaPa data/LaPa
    python tools/dataset_converters/lapa.py --verify data/LaPa

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import argparse
import sys

from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.lapa import LaPaConverter, LaPaLandmarksConverter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(make, doc=__doc__, argv=argv, add_arguments=add_arguments,
                         source='folder with train/, val/ and test/')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that this converter alone has."""
    parser.add_argument('--boxes', choices=('labels', 'landmarks'), default='labels',
                        help='boxes of heads are the extent of their labels, or the square around the landmarks made larger')


def make(args: argparse.Namespace) -> LaPaConverter:
    """The converter for the arguments."""
    kind = LaPaLandmarksConverter if args.boxes == 'landmarks' else LaPaConverter
    return kind(source=args.source)


if __name__ == '__main__':
    sys.exit(main())

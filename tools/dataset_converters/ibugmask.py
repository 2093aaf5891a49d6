"""Convert iBugMask to the prepared layout, with boxes of heads; docs/data/faces.md.

    python tools/dataset_converters/ibugmask.py ibugmask_release data/iBugMask
    python tools/dataset_converters/ibugmask.py --verify data/iBugMask

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import argparse
import sys

from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.ibugmask import IBugMask14Converter, IBugMaskConverter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(make, doc=__doc__, argv=argv, add_arguments=add_arguments,
                         source='folder with train/ and test/')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that this converter alone has."""
    parser.add_argument('--classes', type=int, choices=(11, 14), default=11,
                        help='11 classes as in LaPa, or 14 with ears and glasses')


def make(args: argparse.Namespace) -> IBugMask14Converter:
    """The converter for the arguments."""
    return (IBugMaskConverter if args.classes == 11 else IBugMask14Converter)(source=args.source)


if __name__ == '__main__':
    sys.exit(main())

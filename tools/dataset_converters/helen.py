"""Convert Helen to the prepared layout, with boxes of heads; docs/data/faces.md.

    python tools/dataset_converters/helen.py SmithCVPR2013_dataset_resized data/Helen
    python tools/dataset_converters/helen.py --verify data/Helen

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import argparse
import sys

from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.helen import HelenConverter, RelabelledHelenConverter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(make, doc=__doc__, argv=argv, add_arguments=add_arguments,
                         source='folder with images/ and labels/, or train/ and test/')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that this converter alone has."""
    parser.add_argument('--relabelled', action='store_true', help='SRC is the relabelled release by JPlin')


def make(args: argparse.Namespace) -> HelenConverter:
    """The converter for the arguments."""
    return (RelabelledHelenConverter if args.relabelled else HelenConverter)(source=args.source)


if __name__ == '__main__':
    sys.exit(main())

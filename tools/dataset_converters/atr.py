"""Convert ATR's archive (humanparsing) to the prepared layout; docs/data/atr.md.

    python tools/dataset_converters/atr.py humanparsing data/ATR --lists train.txt val.txt test.txt
    python tools/dataset_converters/atr.py --verify data/ATR

Without lists of names the split is drawn by a seed. A second run keeps finished files. The exit status is 1 where something
is missing or failed, unless --allow-incomplete.
"""
import argparse
import sys
from pathlib import Path

from mmqanet.preparation.converters.atr import ATRConverter
from mmqanet.preparation.converters.command import run_converter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--lists', type=Path, nargs=3, default=[], metavar=('TRAIN', 'VAL', 'TEST'),
                        help='files with the names of each split, one a line')
    parser.add_argument('--seed', type=int, default=0, help='seed of the split that is drawn without lists')


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(
        lambda args: ATRConverter(source=args.source, lists=tuple(args.lists), seed=args.seed), doc=__doc__, argv=argv,
        source='folder with JPEGImages/ and SegmentationClassAug/', add_arguments=add_arguments)


if __name__ == '__main__':
    sys.exit(main())

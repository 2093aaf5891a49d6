"""Convert close portraits with coarse labels to the prepared layout, with partial labels; docs/shipped_models.md.

    python tools/dataset_converters/portraits.py portraits data/portraits
    python tools/dataset_converters/portraits.py portraits data/portraits_glasses --glasses portraits/glasses.txt

SRC holds photos/, labels/ (background, hair, clothing, skin) and bodypix/ (body parts). The split is fixed by the seed.
A second run keeps finished files.
"""
import argparse
import sys
from pathlib import Path

from mmqanet.preparation.converters.base import read_names
from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.portraits import PortraitsConverter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--val', type=int, default=100, help='photos of the validation split')
    parser.add_argument('--seed', type=int, default=0, help='seed of the split')
    parser.add_argument('--glasses', type=Path, metavar='TXT', help='names of the photos whose person wears glasses, one a '
                        'line: the eyes of all others are then known to be face')


def read_glasses(path: Path | None) -> frozenset[str] | None:
    return None if path is None else frozenset(read_names(path))


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(
        lambda args: PortraitsConverter(
            source=args.source, val=args.val, seed=args.seed, glasses=read_glasses(args.glasses)),
        doc=__doc__, argv=argv, source='folder with photos/, labels/ and bodypix/', add_arguments=add_arguments)


if __name__ == '__main__':
    sys.exit(main())

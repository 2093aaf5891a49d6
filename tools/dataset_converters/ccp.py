"""Convert Clothing Co-Parsing (github.com/bearpaw/clothing-co-parsing) to the prepared layout; docs/data/ccp.md.

    python tools/dataset_converters/ccp.py clothing-co-parsing data/CCP --labels merged
    python tools/dataset_converters/ccp.py --verify data/CCP --labels merged

The split is fixed by the seed. Photos whose annotation cannot be used are left out of their split and named, with the
rule that they break (mmqanet/preparation/converters/ccp.py). A second run keeps finished files. The exit status is 1 where
something is missing or failed, unless --allow-incomplete.
"""
import argparse
import sys

from mmqanet.preparation.converters.ccp import LABEL_SETS, CCPConverter
from mmqanet.preparation.converters.command import run_converter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--labels', choices=sorted(LABEL_SETS), default='merged', help='59, 17 or 23 classes')
    parser.add_argument('--val', type=int, default=100, help='photos of the validation split')
    parser.add_argument('--seed', type=int, default=0, help='seed of the split')


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(
        lambda args: CCPConverter(source=args.source, labels=args.labels, val=args.val, seed=args.seed), doc=__doc__,
        argv=argv, source='folder with photos/, annotations/ and label_list.mat', add_arguments=add_arguments)


if __name__ == '__main__':
    sys.exit(main())

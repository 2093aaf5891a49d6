"""Convert Clothing Co-Parsing (github.com/bearpaw/clothing-co-parsing) to the prepared layout.

    python tools/dataset_converters/ccp.py clothing-co-parsing data/CCP --labels merged --workers 4

The split is fixed by the seed. Photos whose annotation cannot be used are left out of their split and named, with the
rule that they break (mmqanet/datasets/converters/ccp.py). Run again, finished files are kept. The exit status is 1
where a photo or annotation could not be read, unless --allow-incomplete is given.
"""
import argparse
import os
import sys
from pathlib import Path

from mmqanet.datasets.converters.ccp import LABEL_SETS, convert_ccp
from mmqanet.errors import MMQANetError


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='folder with photos/, annotations/, label_list.mat')
    parser.add_argument('target', type=Path, metavar='DST', help='folder to write')
    parser.add_argument('--labels', choices=sorted(LABEL_SETS), default='merged', help='59 or 17 classes')
    parser.add_argument('--val', type=int, default=100, help='photos of the validation split')
    parser.add_argument('--seed', type=int, default=0, help='seed of the split')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    parser.add_argument('--allow-incomplete', action='store_true', help='exit with 0 although some photos failed')
    args = parser.parse_args(argv)
    try:
        reports = convert_ccp(args.source, args.target, labels=args.labels, val=args.val, seed=args.seed,
                              workers=args.workers)
    except MMQANetError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    for report in reports:
        print('\n'.join(report.lines()))
    failed = any(report.failed for report in reports)
    return 1 if failed and not args.allow_incomplete else 0


if __name__ == '__main__':
    sys.exit(main())

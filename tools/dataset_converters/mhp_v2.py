"""Convert MHP-v2's archive (LV-MHP-v2) to the prepared layout; docs/data/mhp_v2.md.

    python tools/dataset_converters/mhp_v2.py LV-MHP-v2 data/MHP-v2
    python tools/dataset_converters/mhp_v2.py --verify data/MHP-v2

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import sys

from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.mhp_v2 import MHPv2Converter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(lambda args: MHPv2Converter(source=args.source), doc=__doc__, argv=argv,
                         source='folder with train/, val/, test/ and list/')


if __name__ == '__main__':
    sys.exit(main())

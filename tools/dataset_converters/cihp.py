"""Convert CIHP's archive (instance-level_human_parsing) to the prepared layout; docs/data/cihp.md.

    python tools/dataset_converters/cihp.py instance-level_human_parsing data/CIHP
    python tools/dataset_converters/cihp.py --verify data/CIHP

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import sys

from mmqanet.preparation.converters.cihp import CIHPConverter
from mmqanet.preparation.converters.command import run_converter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(lambda args: CIHPConverter(source=args.source), doc=__doc__, argv=argv,
                         source='folder with Training/, Validation/ and Testing/')


if __name__ == '__main__':
    sys.exit(main())

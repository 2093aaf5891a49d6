"""Convert LIP's archives to the prepared layout; docs/data/lip.md.

    python tools/dataset_converters/lip.py LIP data/LIP
    python tools/dataset_converters/lip.py --verify data/LIP

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import sys

from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.lip import LIPConverter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(lambda args: LIPConverter(source=args.source), doc=__doc__, argv=argv,
                         source='folder with TrainVal_images/ and TrainVal_parsing_annotations/')


if __name__ == '__main__':
    sys.exit(main())

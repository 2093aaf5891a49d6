"""Convert CelebAMask-HQ to the prepared layout, with boxes of heads; docs/data/faces.md.

    python tools/dataset_converters/celebamask_hq.py CelebAMask-HQ data/CelebAMask-HQ
    python tools/dataset_converters/celebamask_hq.py --verify data/CelebAMask-HQ

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import sys

from mmqanet.preparation.converters.celebamask_hq import CelebAMaskHQConverter
from mmqanet.preparation.converters.command import run_converter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(lambda args: CelebAMaskHQConverter(source=args.source), doc=__doc__, argv=argv,
                         source='folder with CelebA-HQ-img/ and CelebAMask-HQ-mask-anno/')


if __name__ == '__main__':
    sys.exit(main())

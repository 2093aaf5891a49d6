"""Convert the annotated frames of VIP (VIP_Fine) to the prepared layout; docs/data/vip.md.

    python tools/dataset_converters/vip.py VIP_Fine data/VIP
    python tools/dataset_converters/vip.py --verify data/VIP

A second run keeps finished files. The exit status is 1 where something is missing or failed, unless --allow-incomplete.
"""
import sys

from mmqanet.preparation.converters.command import run_converter
from mmqanet.preparation.converters.vip import VIPConverter


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return run_converter(lambda args: VIPConverter(source=args.source), doc=__doc__, argv=argv,
                         source='folder with Images/, lists/ and Annotations/')


if __name__ == '__main__':
    sys.exit(main())

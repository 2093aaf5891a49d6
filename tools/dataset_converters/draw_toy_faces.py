"""Draw portraits of toy people, labelled with the parts of their faces (iBugMask's 14 classes), in the prepared layout.

    python tools/dataset_converters/draw_toy_faces.py data/toy_faces --num-train 1500 --num-val 150

The same arguments give the same bytes. A second run keeps finished pictures.
"""
import argparse
import os
import sys
from pathlib import Path

from mmqanet.preparation.converters.command import exit_status
from mmqanet.preparation.toy.face_writer import draw_toy_faces
from mmqanet.preparation.toy.scene import parse_size
from mmqanet.utils.console import say


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, metavar='ROOT', help='folder to write')
    parser.add_argument('--num-train', type=int, default=1500, help='pictures of the training split')
    parser.add_argument('--num-val', type=int, default=150, help='pictures of the validation split')
    parser.add_argument('--size', default='160x160', metavar='WxH', help='size in pixels')
    parser.add_argument('--seed', type=int, default=0, help='another seed gives other pictures')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    args = parser.parse_args(argv)

    def run() -> int:
        for report in draw_toy_faces(args.root, num_train=args.num_train, num_val=args.num_val, size=parse_size(args.size),
                                     seed=args.seed, num_workers=args.workers):
            say('\n'.join(report.lines()))
        return 0

    return exit_status(run)


if __name__ == '__main__':
    sys.exit(main())

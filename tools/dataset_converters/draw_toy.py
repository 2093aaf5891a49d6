"""Draw the toy people, mmqanet's embedded data set, in the prepared layout.

    python tools/dataset_converters/draw_toy.py data/toy_large --num-train 1000 --num-val 100 --size 320x240

The same arguments give the same bytes, whatever the number of workers. A second run keeps finished pictures.
"""
import argparse
import os
import sys
from pathlib import Path

from mmqanet.preparation.converters.command import exit_status
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.preparation.toy.scene import parse_size
from mmqanet.utils.console import say


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, metavar='ROOT', help='folder to write')
    parser.add_argument('--num-train', type=int, default=1000, help='pictures of the training split')
    parser.add_argument('--num-val', type=int, default=100, help='pictures of the validation split')
    parser.add_argument('--size', default='320x240', metavar='WxH[-WxH]', help='size in pixels, or its range')
    parser.add_argument('--max-people', type=int, default=6, help='people in a picture at most')
    parser.add_argument('--seed', type=int, default=0, help='another seed gives other pictures')
    parser.add_argument('--dense-pose', action='store_true',
                        help='also write dense pose and the body that it is measured on (needs h5py)')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    args = parser.parse_args(argv)

    def run() -> int:
        reports = draw_toy_dataset(args.root, num_train=args.num_train, num_val=args.num_val,
                                   size=parse_size(args.size), max_people=args.max_people, seed=args.seed,
                                   dense_pose=args.dense_pose, num_workers=args.workers)
        for report in reports:
            say('\n'.join(report.lines()))
        return 0

    return exit_status(run)


if __name__ == '__main__':
    sys.exit(main())

"""Compose crowds from a converted data set with one person an image: real people, several in a picture, exact labels.

    python tools/dataset_converters/compose_crowds.py data/CCP data/CCP_crowds --num-train 1600 --num-val 150

People are cut out by their masks and stand, near and far, before backdrops made of the photos' own surroundings. Training
crowds are made of training photos only, validation crowds of validation photos only. The same arguments give the same
bytes, whatever the number of workers. A second run keeps finished pictures.
"""
import argparse
import os
import sys
from pathlib import Path

from mmqanet.errors import InputError
from mmqanet.preparation.converters.command import exit_status
from mmqanet.preparation.crowds import compose_crowds
from mmqanet.registry import DATASETS
from mmqanet.utils.console import say


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='prepared data set with one person an image')
    parser.add_argument('target', type=Path, metavar='DST', help='folder to write')
    parser.add_argument('--dataset', default='CCPMergedDataset', help="class of SRC, for its classes and flip pairs")
    parser.add_argument('--num-train', type=int, default=1600, help='pictures of the training split')
    parser.add_argument('--num-val', type=int, default=150, help='pictures of the validation split')
    parser.add_argument('--long-sides', type=int, nargs=2, default=(480, 800), metavar=('MIN', 'MAX'),
                        help='range of the longer side in pixels')
    parser.add_argument('--seed', type=int, default=0, help='another seed gives other pictures')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    args = parser.parse_args(argv)

    def run() -> int:
        meta = dataset_meta(args.dataset)
        num_classes = len(meta['classes']) + len(meta.get('partial_labels', ()))
        reports = compose_crowds(args.source, args.target, num_train=args.num_train, num_val=args.num_val,
                                 num_classes=num_classes, flip_pairs=meta['flip_pairs'],
                                 long_sides=tuple(args.long_sides), seed=args.seed, workers=args.workers)
        for report in reports:
            say('\n'.join(report.lines()))
        return 0

    return exit_status(run)


def dataset_meta(name: str) -> dict:
    """Classes, partial labels and flip pairs of a registered data set."""
    found = DATASETS.get(name)
    if found is None or not getattr(found, 'METAINFO', {}).get('classes'):
        raise InputError(f'--dataset: {name!r} is not a registered data set with classes')
    return found.METAINFO


if __name__ == '__main__':
    sys.exit(main())

"""Make instance annotations out of a prepared data set: every person and every part of every person is an instance.

    python tools/dataset_converters/part_instances.py data/CIHP/Training data/CIHP/annotations/CIHP_train.json \\
        data/CIHP/annotations/instances_train.json --dataset CIHPDataset

The file is what general instance segmenters (mmdet's CocoDataset) train on; `configs/instance_segmentation` has two.
"""
import argparse
import os
import sys
from pathlib import Path

from mmqanet.errors import InputError
from mmqanet.preparation.converters.command import exit_status
from mmqanet.preparation.part_instances import write_part_instances
from mmqanet.registry import DATASETS
from mmqanet.utils.wording import count_of


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('split', type=Path, metavar='SPLIT', help='folder of the split, with Category_ids and Human_ids')
    parser.add_argument('people', type=Path, metavar='PEOPLE', help="the split's JSON in the prepared layout")
    parser.add_argument('json', type=Path, metavar='JSON', help='file to write')
    parser.add_argument('--dataset', required=True, metavar='NAME', help='data set class with the names of the classes')
    parser.add_argument('--min-area', type=int, default=1, metavar='PIXELS', help='smaller instances are marked as crowd')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    args = parser.parse_args(argv)

    def run() -> int:
        dataset = DATASETS.get(args.dataset)
        if dataset is None:
            raise InputError(f'--dataset: {args.dataset} is not registered')
        number = write_part_instances(args.split, args.people, args.json, classes=dataset.METAINFO['classes'],
                                      min_area=args.min_area, workers=args.workers)
        print(f'{args.json}: {count_of(number, "instance")}')
        return 0

    return exit_status(run)


if __name__ == '__main__':
    sys.exit(main())

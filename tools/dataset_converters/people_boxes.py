#!/usr/bin/env python
"""Make the COCO files that the person detector of the package learns from; docs/shipped_models.md.

    python tools/dataset_converters/people_boxes.py people/people.json data/people --left-out detectron
    python tools/dataset_converters/people_boxes.py portraits data/people --portraits

The first takes photos whose boxes a teacher scored. Boxes below --positive (--val-positive in validation) count neither as
people nor as background. The second takes portraits with label maps (photos/ and labels/). Of both, a tenth of the photos,
by file name, is kept for validation.
"""
import argparse
from pathlib import Path

from mmqanet.engine.launch import run_tool
from mmqanet.preparation.people_boxes import describe_portraits, split_teacher_boxes
from mmqanet.utils.wording import count_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='JSON of scored boxes, or with --portraits their folder')
    parser.add_argument('out', type=Path, metavar='DST', help='folder to write the files to')
    parser.add_argument('--portraits', action='store_true', help='SRC is a folder of portraits')
    parser.add_argument('--positive', type=float, default=0.4, metavar='S', help='least score of a person (default: 0.4)')
    parser.add_argument('--val-positive', type=float, default=0.5, metavar='S',
                        help='the same where the detector is measured (default: 0.5)')
    parser.add_argument('--left-out', nargs='*', default=[], metavar='SET', help='sets to take no photo of')
    args = parser.parse_args()
    if args.portraits:
        counts = describe_portraits(args.source / 'photos', args.source / 'labels', args.out)
    else:
        counts = split_teacher_boxes(args.source, args.out, positive=args.positive, val_positive=args.val_positive,
                                     left_out=args.left_out)
    print(', '.join(f'{split}: {count_of(number, "photo")}' for split, number in counts.items()))


if __name__ == '__main__':
    run_tool(main)

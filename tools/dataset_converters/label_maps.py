"""Make the JSON for labels of your own: folders of images and class maps, with several people an image also of person maps.

    python tools/dataset_converters/label_maps.py photos labels data/mine/annotations/mine_train.json --classes 5
    python tools/dataset_converters/label_maps.py photos labels mine_train.json --classes 5 --people people --parts parts

The files stay where they are (docs/datasets.md, "Labels of your own"). The exit status is 1 where something failed, unless
--allow-incomplete.
"""
import argparse
import os
import sys
from pathlib import Path

from mmqanet.preparation.converters.command import exit_status, tell
from mmqanet.preparation.converters.label_maps import describe_label_maps


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', type=Path, metavar='IMAGES', help='folder of the images, sub-folders included')
    parser.add_argument('labels', type=Path, metavar='LABELS', help='folder of the class maps: PNGs of the same names')
    parser.add_argument('json', type=Path, metavar='JSON', help='file to write')
    parser.add_argument('--classes', type=int, required=True, metavar='N', help='number of classes, background included')
    parser.add_argument('--people', type=Path, metavar='DIR', help='folder of the person maps; without, one person an image')
    parser.add_argument('--parts', type=Path, metavar='DIR', help='folder to write part ids to, for metrics over people')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    parser.add_argument('--allow-incomplete', action='store_true', help='exit with 0 though something failed')
    args = parser.parse_args(argv)

    def run() -> int:
        report = describe_label_maps(args.images, args.labels, args.json, num_classes=args.classes, people=args.people,
                                     parts=args.parts, workers=args.workers)
        return tell([report], allow_incomplete=args.allow_incomplete)

    return exit_status(run)


if __name__ == '__main__':
    sys.exit(main())

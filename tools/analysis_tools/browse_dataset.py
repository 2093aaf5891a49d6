#!/usr/bin/env python
"""Draw samples of a config's data set: whole images with people, boxes and parts by name, and the crops the network sees.

Of the training split every picture shows one person's sample: the image with the crop's frame, the crop after the
training transforms, its labels, and both together; what the augmentation did is written on the crop. Of the other splits
every picture shows one image. Of data sets that are joined (ConcatDataset) or repeated, the inner ones are drawn from;
where there are several, their numbers open the files' names. Broken samples are named and the rest drawn; the exit status
is 1 then.
"""
import argparse
import math
import sys
from pathlib import Path

import numpy as np
from mmengine.config import DictAction
from mmengine.registry import DefaultScope

from mmqanet.analysis.browsing import Browser
from mmqanet.datasets import SeededIndex
from mmqanet.engine.changes import prepare_config
from mmqanet.engine.config import Task, dataset_of, inner_datasets, read_config, task_of
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import check_overwrites, write_bytes
from mmqanet.utils.images import encode_jpeg
from mmqanet.utils.processes import progress_bar
from mmqanet.utils.wording import count_of
from mmqanet.visualization.samples import contact_sheet

ON_A_SHEET = 10


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--num', type=int, default=20, metavar='N', help='samples to draw, at random (default: 20)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the choice and of the augmentation')
    parser.add_argument('--out', metavar='DIR', help='folder to write (default: work_dirs/CONFIG_NAME/browse_SPLIT)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries, e.g. train_dataloader.dataset.data_root=data/mine/')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.num < 1 or args.seed < 0:
        raise InputError('--num must be at least 1, --seed must not be negative')
    cfg = read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=None, launcher='none', overrides=args.cfg_options)
    if task_of(cfg) is not Task.PARSING:
        raise InputError(f"{args.config}: not a parser; browse a parser's config with the same data_root")
    out = Path(args.out or f'{cfg.work_dir}/browse_{args.split}')
    with DefaultScope.overwrite_default_scope('mmqanet'):
        browsers = [Browser(dataset) for dataset in inner_datasets(dataset_of(cfg, f'{args.split}_dataloader'))]
        samples = [(number, index) for number, browser in enumerate(browsers) for index in range(len(browser.dataset))]
        chosen = np.random.default_rng(args.seed).permutation(len(samples))[:args.num]
        drawn, broken = [], []
        with progress_bar(True) as bar:
            for position in bar.track(chosen.tolist(), description=f'{args.split} samples'):
                number, index = samples[position]
                try:
                    name, picture = browsers[number].draw(SeededIndex(index, (args.seed, number)))
                except DataError as error:
                    broken.append(str(error))
                    continue
                prefix = f'{number + 1}_' if len(browsers) > 1 else ''
                path = out / f'{prefix}{name}.jpg'
                check_overwrites(path, [Path(browsers[number].dataset.data_prefix['img'], path.name)])
                write_bytes(path, encode_jpeg(picture))
                drawn.append(picture)
    for number, start in enumerate(range(0, len(drawn), ON_A_SHEET), 1):
        write_bytes(out / f'sheet_{number:02d}.jpg', encode_jpeg(contact_sheet(drawn[start:start + ON_A_SHEET])))
    print(f'{count_of(len(drawn), "sample")} and {count_of(math.ceil(len(drawn) / ON_A_SHEET), "contact sheet")} in {out}, '
          f'{len(broken)} broken')
    for line in broken:
        print(f'broken: {line}', file=sys.stderr)
    if broken:
        sys.exit(1)


if __name__ == '__main__':
    run_tool(main)

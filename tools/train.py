#!/usr/bin/env python
"""Train a model from a config, on one device or, through dist_train.sh or slurm_train.sh, on many."""
import argparse

from mmengine.runner import Runner

from mmqanet.engine.changes import resume_from, use_mixed_precision
from mmqanet.engine.config import dataset_of
from mmqanet.engine.launch import add_common_arguments, check_batches, config_from, leave_out_short_schedules, run_tool


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_arguments(parser)
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CKPT|auto',
        help='go on from this checkpoint; "auto", or no value, means the last whole one in the work folder')
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help="scale the learning rate to the total batch size")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = config_from(args)
    dataset_of(cfg, 'train_dataloader')
    if args.amp:
        use_mixed_precision(cfg)
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    if args.resume:
        resume_from(cfg, args.resume)
    runner = Runner.from_cfg(cfg)
    check_batches(runner)
    leave_out_short_schedules(runner)
    runner.train()


if __name__ == '__main__':
    run_tool(main)

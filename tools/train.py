#!/usr/bin/env python
"""Train a model from a config, on one device or, through dist_train.sh or slurm_train.sh, on many."""
import argparse
import os
from pathlib import Path

from mmengine.config import DictAction
from mmengine.runner import Runner

from mmqanet.engine.launch import prepare_config, read_config, resume_from, run_tool, use_mixed_precision


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints (default: work_dirs/CONFIG_NAME)')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CKPT|auto',
        help='go on from this checkpoint; "auto", or no value, means the last whole one in the work folder')
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help="scale the learning rate to the total batch size")
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override config entries, e.g. train_cfg.max_epochs=10')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=args.work_dir, launcher=args.launcher,
                   overrides=args.cfg_options)
    if args.amp:
        use_mixed_precision(cfg)
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    if args.resume:
        resume_from(cfg, args.resume)
    Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    run_tool(main)

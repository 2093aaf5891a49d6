#!/usr/bin/env python
"""Evaluate a checkpoint on a config's test set, on one device or, through dist_test.sh or slurm_test.sh, on many."""
import argparse
import json
import math
import os
from pathlib import Path

from mmengine.config import DictAction
from mmengine.runner import Runner

from mmqanet.engine.checkpoints import WholeFilesBackend
from mmqanet.engine.launch import prepare_config, read_config, run_tool, use_test_time_augmentation


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder of logs and metrics (default: work_dirs/CONFIG_NAME)')
    parser.add_argument('--out', help='write the metrics to this JSON file')
    parser.add_argument('--show-dir', help='write overlays of the predictions to this folder')
    parser.add_argument('--tta', action='store_true', help="average over the config's tta_scales (and over the mirror)")
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override config entries, e.g. model.flip_test=False')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=args.work_dir, launcher=args.launcher,
                   overrides=args.cfg_options)
    cfg.load_from = args.checkpoint
    if args.tta:
        use_test_time_augmentation(cfg)
    if args.show_dir:
        cfg.default_hooks.visualization = dict(type='ParsingVisualizationHook', out_dir=args.show_dir)
    runner = Runner.from_cfg(cfg)
    metrics = runner.test()
    if args.out and runner.rank == 0:
        finite = {key: value if math.isfinite(value) else None for key, value in metrics.items()}
        WholeFilesBackend().put_text(json.dumps(finite, indent=2), args.out)


if __name__ == '__main__':
    run_tool(main)

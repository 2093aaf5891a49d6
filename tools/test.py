#!/usr/bin/env python
"""Evaluate a checkpoint on a config's test set, on one device or, through dist_test.sh or slurm_test.sh, on many."""
import argparse
import json
import math

from mmengine.runner import Runner

from mmqanet.engine.checkpoints import WholeFilesBackend
from mmqanet.engine.launch import add_common_arguments, config_from, run_tool, use_test_time_augmentation


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', help='write the metrics to this JSON file')
    parser.add_argument('--show-dir', help='write overlays of the predictions to this folder')
    parser.add_argument('--tta', action='store_true', help="average over the config's tta_scales (and over the mirror)")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = config_from(args)
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

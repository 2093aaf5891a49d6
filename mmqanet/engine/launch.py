"""What the entry points in tools/ have in common: their arguments, and how an error ends them."""
import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config, DictAction

from mmqanet.engine.config import prepare_config, read_config
from mmqanet.errors import MMQANetError


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that training and testing share; :func:`config_from` reads them."""
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and results (default: work_dirs/CONFIG_NAME)')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override config entries, e.g. train_cfg.max_epochs=10 or model.flip_test=False')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def config_from(args: argparse.Namespace) -> Config:
    """The config that the common arguments name, with them applied."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=args.work_dir, launcher=args.launcher,
                   overrides=args.cfg_options)
    return cfg


def run_tool(main: Callable[[], None]) -> None:
    """Run an entry point; an error that mmqanet raises on purpose, or a missing file, becomes one line and exit status 1."""
    try:
        main()
    except MMQANetError as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')
    except FileNotFoundError as error:  # as mmdet's data sets raise it
        sys.exit(f'{Path(sys.argv[0]).name}: {error.filename}: no such file')

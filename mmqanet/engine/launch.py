"""What the entry points in tools/ have in common: their arguments, and how an error ends them."""
import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dist import get_world_size
from mmengine.runner import Runner

from mmqanet.engine.changes import prepare_config
from mmqanet.engine.config import read_config
from mmqanet.errors import InputError
from mmqanet.utils.commands import run_command


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


def check_batches(runner: Runner) -> None:
    """Raise ``InputError`` where the training data make no batch: epochs would pass without a step, and their checkpoints be
    saved."""
    loader, processes = runner.train_dataloader, get_world_size()
    if not len(loader):
        share = f' on each of {processes} processes' if processes > 1 else ''
        raise InputError(f'train_dataloader: {len(loader.dataset)} samples make no batch of {loader.batch_size}{share}, and '
                         'drop_last leaves out what is less')


def run_tool(main: Callable[[], None]) -> None:
    """Run an entry point and end the process as :func:`run_command` says: what is wrong is one line and exit status 1."""
    status, problem = run_command(main)
    if problem:
        sys.exit(f'{Path(sys.argv[0]).name}: {problem}')
    if status:
        sys.exit(status)

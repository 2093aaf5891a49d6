"""What the entry points in tools/ have in common: their arguments, and how an error ends them."""
import argparse
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmqanet.engine.changes import prepare_config
from mmqanet.engine.config import read_config
from mmqanet.errors import InputError
from mmqanet.utils.commands import run_command
from mmqanet.utils.wording import count_of


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that training and testing share; :func:`config_from` reads them."""
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and results (default: work_dirs/CONFIG_NAME)')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override config entries, e.g. train_cfg.max_epochs=10 or model.flip_test=False')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def config_from(args: argparse.Namespace, cfg: Config | None = None) -> Config:
    """The config that the common arguments name, or one made of it, with them applied."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = cfg or read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=args.work_dir, launcher=args.launcher,
                   overrides=args.cfg_options)
    return cfg


def check_batches(runner: Runner) -> None:
    """Raise ``InputError`` where the training data make no batch: epochs would pass without a step, and their checkpoints be
    saved."""
    loader, processes = runner.train_dataloader, get_world_size()
    if not len(loader):
        share = f' on each of {processes} processes' if processes > 1 else ''
        samples = count_of(len(loader.dataset), 'sample')
        raise InputError(f'train_dataloader: {samples} cannot fill a batch of {loader.batch_size}{share}, and drop_last '
                         'leaves out what is less')


def leave_out_short_schedules(runner: Runner) -> None:
    """Leave out, in place and with a line in the log, schedules that end before the first iteration after their beginning.

    With few samples a warm-up of half an epoch, say, has no iteration, which mmengine refuses.
    """
    length = len(runner.train_dataloader)
    if not isinstance(runner.param_schedulers, list | tuple):  # none, or one, which goes to the end
        return
    for schedule in runner.param_schedulers:
        if isinstance(schedule, dict) and _iterations(schedule, length) == 0:
            print_log(f'param_scheduler: {schedule["type"]} from epoch {schedule.get("begin", 0):g} to {schedule["end"]:g} '
                      f'is left out, as an epoch has {count_of(length, "iteration")} only', 'current', logging.WARNING)
    runner.param_schedulers = [schedule for schedule in runner.param_schedulers
                               if not isinstance(schedule, dict) or _iterations(schedule, length) != 0]


def _iterations(schedule: dict, length: int) -> int | None:
    """Of a schedule in epochs that is converted to iterations; ``None`` for another one."""
    if not schedule.get('convert_to_iter_based') or 'end' not in schedule:
        return None
    return int(schedule['end'] * length) - int(schedule.get('begin', 0) * length)


def run_tool(main: Callable[[], None]) -> None:
    """Run an entry point and end the process as :func:`run_command` says: what is wrong is one line and exit status 1."""
    status, problem = run_command(main)
    if problem:
        sys.exit(f'{Path(sys.argv[0]).name}: {problem}')
    if status:
        sys.exit(status)

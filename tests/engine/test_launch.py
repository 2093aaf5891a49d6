"""The entry points' arguments, and how an error ends them."""
import argparse
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS
from torch._utils import ExceptionWrapper
from torch.optim import SGD
from torch.utils.data import DataLoader

from mmqanet.engine.launch import add_common_arguments, check_batches, config_from, leave_out_short_schedules, run_tool
from mmqanet.errors import DataError, InputError

CONFIG = Path(__file__).resolve().parents[2] / 'configs/qanet/qanet_r50_cihp.py'


def test_arguments_become_a_config(tmp_path):
    parser = argparse.ArgumentParser()
    add_common_arguments(parser)
    cfg = config_from(parser.parse_args(
        [str(CONFIG), '--work-dir', str(tmp_path), '--cfg-options', 'train_cfg.max_epochs=3', 'model.flip_test=False']))
    assert (cfg.work_dir, cfg.train_cfg.max_epochs, cfg.model.flip_test) == (str(tmp_path), 3, False)
    assert config_from(parser.parse_args([str(CONFIG)])).work_dir == 'work_dirs/qanet_r50_cihp'


def test_an_error_in_a_process_of_a_loader_is_one_line():
    """torch hands it on with the traceback for its message."""
    def broken():
        try:
            raise DataError('a.png: no such file (annotation 3 of x.json)')
        except DataError:
            ExceptionWrapper(where='in DataLoader worker process 0').reraise()

    with pytest.raises(SystemExit) as ending:
        run_tool(broken)
    assert str(ending.value).endswith(': a.png: no such file (annotation 3 of x.json)')
    assert '\n' not in str(ending.value)


def test_an_error_of_ours_is_one_line():
    def broken():
        raise DataError('x.json: gone')

    with pytest.raises(SystemExit, match=r'x\.json: gone'):
        run_tool(broken)
    with pytest.raises(SystemExit, match=r'none\.json: no such file'):
        run_tool(Path('none.json').read_text)


def test_a_training_without_batches_is_refused():
    def runner(number: int) -> SimpleNamespace:
        return SimpleNamespace(train_dataloader=DataLoader(list(range(number)), batch_size=8, drop_last=True))

    check_batches(runner(8))
    with pytest.raises(InputError, match=r'train_dataloader: 7 samples cannot fill a batch of 8, and drop_last'):
        check_batches(runner(7))


def test_a_warm_up_without_an_iteration_is_left_out():
    """An optimizer takes what is left, and mmengine refuses what is not."""
    warm_up = dict(type='LinearLR', start_factor=0.05, end=0.7, convert_to_iter_based=True)
    rest = dict(type='CosineAnnealingLR', begin=0.7, end=7, eta_min_ratio=0.01, convert_to_iter_based=True)
    steps = dict(type='MultiStepLR', by_epoch=True, milestones=[1])
    late = dict(type='LinearLR', begin=2, end=2.4, convert_to_iter_based=True)

    def left(schedules, samples: int):
        runner = SimpleNamespace(train_dataloader=DataLoader(list(range(samples)), batch_size=8), param_schedulers=schedules)
        leave_out_short_schedules(runner)
        return runner.param_schedulers

    assert left([warm_up, rest, steps], 8) == [rest, steps]
    assert left([warm_up, rest, steps], 16) == [warm_up, rest, steps]
    for samples, stays in ((16, False), (24, True)):  # 2 iterations an epoch: from the 4th up to the 4th; of 3: 6th, 7th
        assert left([late, rest], samples) == [late] * stays + [rest]
    assert left(steps, 8) is steps
    assert left(None, 8) is None
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(ValueError, match='end should be larger than begin'):
        PARAM_SCHEDULERS.build(dict(warm_up), default_args=dict(optimizer=optimizer, epoch_length=1))
    PARAM_SCHEDULERS.build(dict(rest), default_args=dict(optimizer=optimizer, epoch_length=1))

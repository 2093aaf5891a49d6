"""The entry points on the embedded data: killed and resumed, on one process and on two."""
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from mmqanet.preparation.toy import draw_toy_dataset

REPO = Path(__file__).resolve().parents[2]

CONFIG = """
_base_ = '{repo}/configs/toy/qanet_r18_toy.py'
custom_imports = dict(imports=['sudden_death'])
custom_hooks = [dict(type='SuddenDeath', epoch={death})]
# Stochastic depth, so that the network draws random numbers of its own.
model = dict(
    backbone=dict(_delete_=True, type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1],
                  num_heads=[1, 1, 1, 1], drop_path_rate=0.5),
    neck=dict(in_channels=[8, 8, 8, 8], out_channels=8),
    parsing_head=dict(in_channels=8),
    iou_head=dict(in_channels=8, hidden_channels=8))
train_dataloader = dict(batch_size=4, num_workers=1, drop_last=False, dataset=dict(data_root='{data}'))
val_dataloader = dict(batch_size=1, num_workers=1, dataset=dict(data_root='{data}'))
test_dataloader = val_dataloader
max_epochs = 3
param_scheduler = [dict(type='CosineAnnealingLR', T_max=3, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=3, val_interval=1)
log_processor = dict(window_size=1)
default_hooks = dict(logger=dict(interval=1))
"""

HOOK = """
import os, signal
from pathlib import Path
from mmengine.hooks import Hook
from mmqanet.registry import HOOKS

@HOOKS.register_module()
class SuddenDeath(Hook):
    def __init__(self, epoch):
        self.epoch = epoch

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.epoch == self.epoch and batch_idx == 1:
            Path(runner.work_dir, f'epoch_{self.epoch + 1}.pth').write_bytes(b'PK half a checkpoint')
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    """A folder with data, the hook that kills, and a function that runs an entry point there."""
    root = tmp_path_factory.mktemp('bench')
    draw_toy_dataset(root / 'data', num_train=6, num_val=5, size=(96, 72), seed=0, num_workers=1, progress=False)
    (root / 'sudden_death.py').write_text(HOOK)

    def run(tool, config, *args, death=-1, check=True):
        path = root / f'{config}.py'
        path.write_text(CONFIG.format(repo=REPO, data=root / 'data', death=death))
        env = dict(os.environ, PYTHONPATH=f'{root}:{REPO}', PYTHON=sys.executable, OMP_NUM_THREADS='1')
        interpreter = [sys.executable] if tool.endswith('.py') else ['bash']
        done = subprocess.run(
            [*interpreter, str(REPO / 'tools' / tool), str(path), *args], env=env, cwd=root, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-9000:]
        return done

    run.root = root
    return run


def losses(work_dir: Path) -> dict[int, dict]:
    """All logged losses and learning rates by iteration; of a resumed run the later entry counts."""
    entries = {}
    for log in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            if 'loss' in entry:
                entries[entry['step']] = {key: entry[key] for key in entry if 'loss' in key or key == 'lr'}
    return entries


def test_a_killed_run_resumes_as_if_nothing_had_happened(bench):
    whole, cut = bench.root / 'whole', bench.root / 'cut'
    bench('train.py', 'whole', '--work-dir', str(whole))
    killed = bench('train.py', 'cut', '--work-dir', str(cut), death=1, check=False)
    assert killed.returncode == -9
    first_part = losses(cut)
    resumed = bench('train.py', 'cut', '--work-dir', str(cut), '--resume', 'auto')
    assert 'resumed epoch: 1' in resumed.stdout + resumed.stderr
    expected, got = losses(whole), losses(cut)
    iterations_per_epoch = len(expected) // 3
    assert len(first_part) < len(expected)
    assert len({entry['loss'] for entry in expected.values()}) == len(expected)
    assert {i: e for i, e in got.items() if i > iterations_per_epoch} == {
        i: e for i, e in expected.items() if i > iterations_per_epoch}
    assert got == expected


@pytest.mark.parametrize(('options', 'complaint'), [
    (['train_dataloader.batch_size=64', 'train_dataloader.drop_last=True'], 'samples cannot fill a batch of 64'),
    (['train_dataloader=None'], 'train_dataloader: the config has none'),
])
def test_a_training_without_a_step_is_refused(bench, options, complaint):
    work = bench.root / 'nothing'
    done = bench('train.py', 'nothing', '--work-dir', str(work), '--cfg-options', *options, check=False)
    assert done.returncode == 1
    assert complaint in done.stderr.splitlines()[-1]
    assert not list(work.glob('*.pth'))


def test_without_workers_and_without_validation(bench):
    work = bench.root / 'plain'
    bench('train.py', 'plain', '--work-dir', str(work), '--cfg-options', 'train_dataloader.num_workers=0',
          'val_dataloader=None', 'train_cfg.max_epochs=1')
    assert [path.name for path in work.glob('*.pth')] == ['epoch_1.pth']


@pytest.fixture
def busy_port():
    """The port that torch's launcher takes by itself is taken."""
    with socket.socket() as taken, suppress(OSError):  # by somebody else, then
        taken.bind(('', 29500))
        taken.listen()
        yield


def test_two_processes_train_and_test_as_one(bench, busy_port):
    """Each image is tested alone and by one thread, so that it meets the same operations in either run."""
    work = bench.root / 'two'
    bench('dist_train.sh', 'two', '2', '--work-dir', str(work), '--auto-scale-lr', '--cfg-options', 'train_cfg.max_epochs=1')
    checkpoint = str(work / 'epoch_1.pth')
    one, two = bench.root / 'one.json', bench.root / 'two.json'
    bench('test.py', 'two', checkpoint, '--work-dir', str(work), '--out', str(one), '--show-dir', str(work / 'shown'))
    bench('dist_test.sh', 'two', checkpoint, '2', '--work-dir', str(work), '--out', str(two))
    metrics = [{k: v for k, v in json.loads(path.read_text()).items() if 'time' not in k} for path in (one, two)]
    assert 'mIoU' in metrics[0]
    # What two processes validated while training, each with half of the data, is what the checkpoint says of itself.
    validated, = [entry['mIoU'] for log in work.glob('*/vis_data/scalars.json')
                  for entry in map(json.loads, log.read_text().splitlines()) if 'mIoU' in entry and 'lr' not in entry][:1]
    assert validated == pytest.approx(metrics[0]['mIoU'], abs=1e-4)
    assert metrics[0] == metrics[1]
    assert len(list((work / 'shown').glob('*.jpg'))) == 5

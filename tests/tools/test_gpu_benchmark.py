"""The benchmark of a GPU, tried on the CPU with tiny networks: every row has its figures, or says why it has none."""
import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def benchmark(monkeypatch, small_parser, tmp_path):
    """The module, with two small networks in place of its own, and its tests left out."""
    monkeypatch.syspath_prepend(str(REPO / 'benchmarks'))
    import gpu
    narrow = Config.fromfile(REPO / 'configs/qanet/qanet_hrnet-w48_cihp.py')
    for number in (2, 3, 4):
        narrow.model.backbone.extra[f'stage{number}'].update(
            num_modules=1, num_blocks=(1,) * number, num_channels=tuple(4 * 2**level for level in range(number)))
    narrow.model.neck.in_channels = [4, 8, 16, 32]
    narrow.dump(tmp_path / 'narrow.py')
    monkeypatch.setattr(gpu, 'NETWORKS', {
        'QANet R-50': str(small_parser / 'config.py'), 'QANet HRNet-W48': str(tmp_path / 'narrow.py')})
    monkeypatch.setattr(gpu, 'run_tests', lambda args: dict(status=0))
    threads = torch.get_num_threads()
    yield gpu
    torch.set_num_threads(threads)


def rows_of(benchmark, folder, *options) -> list[dict]:
    benchmark.main(['--out', str(folder), '--device', 'cpu', '--size', '64', '48', '--batch', '2', '--laps', '1', '--people',
                    '1', '--pasted', '2', '--pictures', '1', '--photo', '96', '72', '--compiler', 'eager', *options])
    found = json.loads((folder / 'gpu.json').read_text())['rows']
    table = (folder / 'gpu.md').read_text().splitlines()
    assert sum(line.startswith('| ') for line in table) == 1 + len(found)
    return found


def test_every_row_has_its_figures(benchmark, small_parser, tmp_path):
    options = '--config', str(small_parser / 'config.py'), '--networks', 'QANet R-50'
    rows = rows_of(benchmark, tmp_path / 'out', *options)
    assert [row['part'] for row in rows] == [
        'tests', 'peak', *['training step'] * 4, 'Lovász', 'pasting', 'parsing', 'data pipeline']
    steps = [row for row in rows if row['part'] == 'training step']
    assert [row['what'].split(', ')[-1] for row in steps] == list(benchmark.MODES)
    for row in rows:
        assert not {'failed', 'left_out'} & row.keys(), row
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float)), row
    for row in steps:
        assert row['images/s'] == pytest.approx(2e3 / row['ms'])
        assert 0 < row['share of bf16 peak'] < 10
    for row in steps:
        assert row['ratio to fp32'] == pytest.approx(row['images/s'] / steps[0]['images/s'])
    last = rows[-1]
    assert last['images/s eaten'] == max(row['images/s'] for row in steps)
    assert last['cores for that'] == pytest.approx(last['images/s eaten'] / last['later epochs, samples/s a core'])


def test_a_row_that_cannot_run_says_why(benchmark, tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError('no compiler here\nand more lines')

    monkeypatch.setattr(torch, 'compile', broken)
    few = '--networks', 'QANet HRNet-W48', '--modes', 'fp32', 'bf16 channels-last compiled', '--config', 'none.py'
    rows = {(row['part'], row['what'].split(', ')[-1]): row for row in rows_of(benchmark, tmp_path / 'out', *few)}
    assert rows['training step', 'fp32']['images/s'] > 0
    assert rows['training step', 'bf16 channels-last compiled']['failed'] == 'RuntimeError: no compiler here'
    assert 'none.py: no such config' in rows['parsing', '1 people']['failed']
    assert rows['pasting', '2 people at 1080p']['device ms'] > 0
    assert all(row['left_out'] == 'no time left' for row in rows_of(benchmark, tmp_path / 'late', *few, '--budget', '-1'))

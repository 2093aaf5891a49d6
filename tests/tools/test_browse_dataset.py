import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmqanet.preparation.toy import draw_toy_dataset

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools/analysis_tools/browse_dataset.py'


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs the tool on three small training pictures and two of validation; returns its exit status."""
    root = tmp_path / 'toy'
    draw_toy_dataset(root, num_train=3, num_val=2, size=(64, 48), max_people=2, seed=1, progress=False)
    main = runpy.run_path(str(TOOL), run_name='browse')

    def run(*options: str, config: str = 'configs/toy/qanet_r18_toy.py') -> int:
        settings = [f'{split}_dataloader.dataset.data_root={root}/' for split in ('train', 'val', 'test')]
        argv = [str(TOOL), str(REPO / config), '--out', str(tmp_path / 'out'), *options]
        monkeypatch.setattr(sys, 'argv', [*argv, '--cfg-options', *settings] if 'toy' in config else argv)
        try:
            main['run_tool'](main['main'])
        except SystemExit as exit_:
            return exit_.code
        return 0

    return run


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob('*'))}


def test_training_samples_and_their_sheet(command, tmp_path, capsys):
    assert command('--num', '2') == 0
    found = pictures(tmp_path / 'out')
    assert len(found) == 3
    assert 'sheet_01.jpg' in found
    assert '2 samples and 1 contact sheet in' in capsys.readouterr().out
    assert command('--num', '2') == 0
    assert pictures(tmp_path / 'out') == found, 'the same seed draws the same'
    assert command('--num', '2', '--seed', '5') == 0
    assert pictures(tmp_path / 'out') != found


def test_validation_images(command, tmp_path):
    assert command('--split', 'val', '--num', '9') == 0
    assert sorted(pictures(tmp_path / 'out')) == ['sheet_01.jpg', 'val_000001.jpg', 'val_000002.jpg']
    with Image.open(tmp_path / 'out/val_000001.jpg') as picture:
        assert picture.height > 640


def test_joined_and_repeated_data_sets(tmp_path, monkeypatch, capsys):
    """Both data sets have files of the same names; none of their pictures is lost, and each shows its own."""
    for seed, name in enumerate(('one', 'two')):
        draw_toy_dataset(tmp_path / name, num_train=1, num_val=1, size=(64, 48), max_people=1, seed=seed, progress=False)
    (tmp_path / 'joined.py').write_text(f"""
_base_ = '{REPO}/configs/toy/qanet_r18_toy.py'
one = dict(_base_.train_dataloader.dataset, data_root='{tmp_path}/one/')
two = dict(one, data_root='{tmp_path}/two/')
train_dataloader = dict(dataset=dict(
    _delete_=True, type='ConcatDataset', datasets=[dict(type='RepeatDataset', dataset=one, times=3), two]))
""")
    main = runpy.run_path(str(TOOL), run_name='browse')['main']
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(tmp_path / 'joined.py'), '--out', str(tmp_path / 'out')])
    main()
    found = pictures(tmp_path / 'out')
    assert sorted(found) == ['1_train_000001_1.jpg', '2_train_000001_1.jpg', 'sheet_01.jpg']
    assert found['1_train_000001_1.jpg'] != found['2_train_000001_1.jpg']
    assert '2 samples and 1 contact sheet in' in capsys.readouterr().out


def test_broken_samples_are_named_and_the_rest_drawn(command, tmp_path, capsys):
    path = tmp_path / 'toy/Validation/Category_ids/val_000002.png'
    Image.fromarray(np.full((48, 64), 77, np.uint8)).save(path)
    assert command('--split', 'val') == 1
    said = capsys.readouterr()
    assert 'val_000002.png' in said.err
    assert '1 sample and' in said.out
    assert '1 broken' in said.out
    assert sorted(pictures(tmp_path / 'out')) == ['sheet_01.jpg', 'val_000001.jpg']


def test_a_training_image_that_is_gone(command, tmp_path, capsys):
    for path in (tmp_path / 'toy/Training/Images').glob('*.jpg'):
        path.unlink()
    assert command() == 1
    assert 'train_000001.jpg: no such file' in capsys.readouterr().err
    assert not pictures(tmp_path / 'out')


@pytest.mark.parametrize(('options', 'config', 'said'), [
    (('--num', '0'), 'configs/toy/qanet_r18_toy.py', '--num'),
    ((), 'configs/toy/no_such_toy.py', 'no_such_toy.py: no such config'),
    ((), 'configs/ccp/qanet_efficientnet-lite0_ccp.py', 'CCP_train.json'),
])
def test_bad_input_is_one_line(command, monkeypatch, tmp_path, options, config, said):
    monkeypatch.chdir(tmp_path)  # where there is no data/CCP
    status = command(*options, config=config)
    assert said in str(status)
    assert '\n' not in str(status)

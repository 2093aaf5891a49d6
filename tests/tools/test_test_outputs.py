"""What tools/test.py writes is none of the files that it reads."""
import argparse
import runpy
from pathlib import Path

import pytest
from mmengine.config import Config

from mmqanet.errors import InputError

REPO = Path(__file__).resolve().parents[2]
check_outputs = runpy.run_path(str(REPO / 'tools/test.py'))['check_outputs']


@pytest.fixture
def cfg(tmp_path) -> Config:
    cfg = Config.fromfile(REPO / 'configs/toy/qanet_r18_toy.py')
    inner = dict(cfg.test_dataloader.dataset, data_root=str(tmp_path), ann_file='people.json', detection_file='found.json')
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[inner])
    for name in ('config.py', 'weights.pth', 'people.json', 'found.json'):
        (tmp_path / name).write_text('mine')
    return cfg


def arguments(folder: Path, **outputs: str) -> argparse.Namespace:
    given = dict(config=str(folder / 'config.py'), checkpoint=str(folder / 'weights.pth'), ensemble=[])
    return argparse.Namespace(**given, **dict(dict(out=None, detections=None), **outputs))


@pytest.mark.parametrize('option', ['out', 'detections'])
@pytest.mark.parametrize('name', ['config.py', 'weights.pth', 'people.json', 'found.json'])
def test_no_file_that_is_read_is_written(cfg, tmp_path, option, name):
    with pytest.raises(InputError, match='would overwrite'):
        check_outputs(arguments(tmp_path, **{option: str(tmp_path / '..' / tmp_path.name / name)}), cfg)


def test_the_outputs_are_two_files(cfg, tmp_path):
    check_outputs(arguments(tmp_path, out=str(tmp_path / 'a.json'), detections=str(tmp_path / 'b.json')), cfg)
    with pytest.raises(InputError, match='--out and --detections are both'):
        check_outputs(arguments(tmp_path, out=str(tmp_path / 'a.json'), detections=str(tmp_path / './a.json')), cfg)

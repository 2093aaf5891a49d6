"""tools/misc/ship_models.py: two checkpoints in, the folder of the package out."""
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import HumanParsingInferencer, init_detector
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.datasets import CIHPDataset

REPO = Path(__file__).resolve().parents[2]
DETECTOR = REPO / 'configs/detection/fcos_efficientnet-lite0_person_crowds.py'


def ship(monkeypatch, *words):
    monkeypatch.setattr(sys, 'argv', ['ship_models.py', *map(str, words)])
    runpy.run_path(str(REPO / 'tools/misc/ship_models.py'), run_name='__main__')


@pytest.fixture
def trained(small_parser, tmp_path):
    """Checkpoints of a small parser and an untrained detector, as tools/train.py names what is in them."""
    parser = load_checkpoint_file(small_parser / 'weights.pth')
    parser['meta']['experiment_name'] = 'small_20260102_030405'
    parser['meta']['dataset_meta']['palette'] = [(9, 9, 9)] * len(parser['meta']['dataset_meta']['classes'])
    torch.save(parser, tmp_path / 'epoch_3.pth')
    cfg = Config.fromfile(DETECTOR)
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=('person',)), experiment_name='fcos_20260102_030405')
    torch.save(dict(state_dict=init_detector(cfg).model.state_dict(), meta=meta), tmp_path / 'best.pth')
    return tmp_path / 'epoch_3.pth', tmp_path / 'best.pth'


def test_a_pair_is_shipped_and_used_without_options(trained, tmp_path, monkeypatch):
    parser, detector = trained
    out = tmp_path / 'weights'
    (tmp_path / 'scores.json').write_text('{"AP": 85.5, "empty": null, "crop_sampler": "warp"}')
    ship(monkeypatch, '--parser', parser, '--detector', detector, '--out', out, '--data', 'photos',
         '--parser-metrics', 'mIoU=50.25', 'AP_r=40', '--detector-metrics', tmp_path / 'scores.json')
    files = json.loads((out / 'manifest.json').read_text())['files']
    assert files['parser.pth']['metrics'] == dict(mIoU=50.25, AP_r=40)
    assert files['detector.pth']['metrics'] == dict(AP=85.5)
    for name in ('parser', 'detector'):
        monkeypatch.setattr(f'mmqanet.apis.inferencer.SHIPPED_{name.upper()}', out / f'{name}.pth')
    inferencer = HumanParsingInferencer(device='cpu')
    assert inferencer.detector.model.dataset_meta['classes'] == ('person',)
    inferencer.detector.score_thr = 0.0  # an untrained detector is sure of nobody
    parsed, = inferencer(np.full((60, 50, 3), 90, np.uint8))['predictions']
    assert parsed['people']
    colours = [list(colour) for colour in inferencer.dataset_meta['palette']]
    assert colours == [list(colour) for colour in CIHPDataset.METAINFO['palette']], 'not those of the training'

    ship(monkeypatch, '--parser', parser, '--out', tmp_path / 'named', '--data', 'photos', '--parser-classes', 'full')
    assert load_checkpoint_file(tmp_path / 'named/parser.pth')['meta']['default_classes'] == 'full'

    ship(monkeypatch, '--detector', detector, '--out', out, '--data', 'more photos')
    again = json.loads((out / 'manifest.json').read_text())
    assert again['files']['parser.pth'] == files['parser.pth']
    assert again['files']['detector.pth']['metrics'] == {}
    assert again['data'] == 'more photos'

    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(SystemExit, match=r'--parser: .*best\.pth holds none'):
        ship(monkeypatch, '--parser', detector, '--detector', parser, '--out', out, '--data', 'photos')
    for word, message in (('mIoU=good', "'good' is no number"), ('mIoU=nan', 'no figure'), ('none.json', 'no such file')):
        with pytest.raises(SystemExit, match=message):
            ship(monkeypatch, '--parser', parser, '--detector', detector, '--out', out, '--data', 'photos',
                 '--parser-metrics', word)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before

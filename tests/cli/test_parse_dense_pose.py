"""`mmqanet parse` with a parser of dense pose."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmqanet.apis import HumanParsingInferencer, init_model
from mmqanet.cli.main import main
from mmqanet.engine.config import read_config
from mmqanet.visualization.surface import checkered_atlas

CONFIG = Path(__file__).resolve().parents[2] / 'configs/densepose/qanet_r18_toy-densepose.py'


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    """A tiny network with weights, a picture and an atlas."""
    folder = tmp_path_factory.mktemp('dense')
    cfg = read_config(CONFIG)
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64],
                         'model.neck.out_channels': 8, 'model.uv_head.in_channels': 8})
    cfg.dump(folder / 'dense.py')
    torch.manual_seed(0)
    model = init_model(folder / 'dense.py')
    for layer in (model.uv_head.parts, model.uv_head.charts):
        torch.nn.init.normal_(layer.weight, std=30)
    torch.save(dict(state_dict=model.state_dict()), folder / 'dense.pth')
    noise = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    cv2.imwrite(str(folder / 'photo.png'), cv2.resize(noise, (90, 120), interpolation=cv2.INTER_CUBIC))
    cv2.imwrite(str(folder / 'atlas.png'), checkered_atlas(8))
    return folder


def parse(bench, out, *words):
    return main(['parse', str(bench / 'photo.png'), '--config', str(bench / 'dense.py'), '--checkpoint',
                 str(bench / 'dense.pth'), '--out', str(out), *map(str, words)])


def test_it_writes_overlay_iuv_picture_and_texture(bench, tmp_path):
    assert parse(bench, tmp_path, '--texture', bench / 'atlas.png') == 0
    record = json.loads((tmp_path / 'photo.json').read_text())
    assert record['files']['iuv'] == ['photo_IUV.png']
    assert record['files']['texture'] == ['photo_texture.jpg']
    assert (tmp_path / 'photo_overlay.jpg').is_file()
    iuv = cv2.imread(str(tmp_path / 'photo_IUV.png'))
    sample, = HumanParsingInferencer(bench / 'dense.py', bench / 'dense.pth', 'cpu')(
        str(bench / 'photo.png'), return_datasamples=True, out_dir=tmp_path / 'python')['predictions']
    shown = sample.pred_maps.human[0].numpy() > 0
    assert shown.any()
    assert (iuv[..., 0] == sample.pred_maps.category[0].numpy() * shown).all()
    assert (iuv == cv2.imread(str(tmp_path / 'python/photo_IUV.png'))).all()
    texture = cv2.imread(str(tmp_path / 'photo_texture.jpg')).astype(int)
    photo = cv2.imread(str(bench / 'photo.png')).astype(int)
    assert abs(texture - photo)[shown].mean() > 2 * abs(texture - photo)[~shown].mean()


def test_what_is_no_dense_pose_has_no_such_pictures(bench, tmp_path, capsys):
    for words in (['--save', 'iuv'], ['--texture', str(bench / 'atlas.png')]):
        assert main(['parse', str(bench / 'photo.png'), '--out', str(tmp_path), *words]) == 1
        assert 'a TopdownParser is no parser of dense pose' in capsys.readouterr().err
    assert parse(bench, tmp_path, '--save', 'texture') == 1
    assert 'texture needs an atlas' in capsys.readouterr().err
    assert parse(bench, tmp_path, '--texture', bench / 'photo.png') == 1
    assert 'an atlas is' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

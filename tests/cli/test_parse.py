"""The command line: what parse writes, and that one bad picture does not stop the others."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmqanet.apis import inference_topdown, init_model
from mmqanet.cli.main import main
from mmqanet.datasets import CIHPDataset

CONFIG = Path(__file__).resolve().parents[2] / 'configs/toy/qanet_r18_toy.py'


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    """A folder with a model and two pictures."""
    root = tmp_path_factory.mktemp('parse')
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]})
    cfg.dump(root / 'config.py')
    torch.manual_seed(0)
    torch.save(dict(state_dict=init_model(cfg).state_dict()), root / 'weights.pth')
    for name, size in (('a.png', (70, 50)), ('b.jpg', (40, 60))):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)).save(root / name)
    return root


def parse(root, *names, out, **options):
    args = ['parse', *(str(root / name) for name in names), '--config', str(root / 'config.py'), '--checkpoint',
            str(root / 'weights.pth'), '--out', str(out)]
    for key, value in options.items():
        args += [f'--{key}', str(value)]
    return main(args)


def test_it_writes_a_palette_png_and_an_overlay(bench, tmp_path):
    assert parse(bench, 'a.png', 'b.jpg', out=tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'a.json', 'a.png', 'a_overlay.jpg', 'b.json', 'b.png', 'b_overlay.jpg', 'submission']
    labels = Image.open(tmp_path / 'a.png')
    assert labels.mode == 'P'
    assert tuple(labels.getpalette()[15:18]) == CIHPDataset.METAINFO['palette'][5]
    model = init_model(bench / 'config.py', bench / 'weights.pth')
    sample, = inference_topdown(model, bench / 'a.png')
    assert (np.array(labels) == sample.pred_maps.category[0].numpy()).all()


def test_boxes_by_name_or_in_coco_style(bench, tmp_path, capsys):
    plain = tmp_path / 'plain.json'
    plain.write_text(json.dumps({'a.png': [[5, 5, 30, 60], [10, 10, 45, 65]], 'b.jpg': []}))
    coco = tmp_path / 'coco.json'
    coco.write_text(json.dumps(dict(
        images=[dict(id=1, file_name='sub/a.png'), dict(id=2, file_name='b.jpg')],
        annotations=[dict(image_id=1, bbox=[5, 5, 25, 55]), dict(image_id=1, bbox=[10, 10, 35, 55])])))
    for boxes in (plain, coco):
        assert parse(bench, 'a.png', 'b.jpg', out=tmp_path / boxes.stem, boxes=boxes) == 0
        printed = capsys.readouterr().out
        assert 'a.png: 2 people' in printed
        assert 'b.jpg: 0 people' in printed
    assert (tmp_path / 'plain/a.png').read_bytes() == (tmp_path / 'coco/a.png').read_bytes()


def test_a_bad_picture_is_named_and_the_rest_parsed(bench, tmp_path, capsys):
    (bench / 'bad.jpg').write_bytes(b'\xff\xd8 not much')
    assert parse(bench, 'bad.jpg', 'a.png', 'none.png', out=tmp_path) == 1
    printed = capsys.readouterr().err
    assert f'failed: {bench / "bad.jpg"}: not readable as an image' in printed
    assert f'failed: {bench / "none.png"}: no such file' in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.json', 'a.png', 'a_overlay.jpg', 'submission']


@pytest.mark.parametrize('content', ['{"a.png": 3', '[]', '{"a.png": [["x"]]}'])
def test_unreadable_boxes_are_one_line(bench, tmp_path, capsys, content):
    path = tmp_path / 'boxes.json'
    path.write_text(content)
    assert parse(bench, 'a.png', out=tmp_path / 'out', boxes=path) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert f'mmqanet parse: {path}: not a readable file of boxes' in error


def test_a_bad_box_names_its_picture(bench, tmp_path, capsys):
    boxes = tmp_path / 'boxes.json'
    boxes.write_text('{"a.png": [[5, 5, 5, 20]]}')
    assert parse(bench, 'a.png', out=tmp_path / 'out', boxes=boxes) == 1
    assert f'failed: {bench / "a.png"}: box [5.0, 5.0, 5.0, 20.0]' in capsys.readouterr().err


def test_nothing_is_overwritten_unasked(bench, tmp_path, capsys):
    before = (bench / 'a.png').read_bytes()
    assert parse(bench, 'a.png', out=bench) == 1
    assert 'would overwrite this picture' in capsys.readouterr().err
    assert (bench / 'a.png').read_bytes() == before
    (tmp_path / 'a.jpg').write_bytes(before)
    assert parse(bench, 'a.png', tmp_path / 'a.jpg', out=tmp_path / 'out') == 1
    assert 'would both be written to' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_a_missing_checkpoint_is_one_line(bench, tmp_path, capsys):
    for config, message in (('config.py', 'none.pth: no such checkpoint'), ('none.py', 'none.py: no such config')):
        args = ['parse', str(bench / 'a.png'), '--config', str(bench / config), '--checkpoint', 'none.pth']
        assert main([*args, '--out', str(tmp_path)]) == 1
        assert message in capsys.readouterr().err

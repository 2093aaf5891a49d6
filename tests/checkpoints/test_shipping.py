"""The pair inside the package: half precision, self-contained, small, and refused when a byte changes."""
import hashlib
import json

import pytest
import torch

from mmqanet.apis import init_model
from mmqanet.checkpoints import shipping
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.errors import DataError, InputError


@pytest.fixture
def models(small_parser):
    """What ``ship`` takes, of a small network."""
    content = load_checkpoint_file(small_parser / 'weights.pth')
    content['meta']['experiment_name'] = 'small_20260102_030405'
    source = small_parser / 'weights.pth'
    return {name: dict(content=content, source=source, metrics=dict(mIoU=50.5)) for name in ('parser', 'detector')}


def test_what_is_shipped_stands_in_the_manifest_and_loads(models, small_parser, tmp_path):
    manifest = shipping.ship(models, tmp_path / 'weights', data='photos')
    assert json.loads((tmp_path / 'weights/manifest.json').read_text()) == manifest
    assert {path.name for path in (tmp_path / 'weights').iterdir()} == {'parser.pth', 'detector.pth', 'manifest.json'}
    blob = (tmp_path / 'weights/parser.pth').read_bytes()
    source = hashlib.sha256((small_parser / 'weights.pth').read_bytes()).hexdigest()
    assert manifest['data'] == 'photos'
    assert manifest['files']['parser.pth'] == dict(
        sha256=hashlib.sha256(blob).hexdigest(), bytes=len(blob), config='small', metrics=dict(mIoU=50.5),
        source=dict(file='weights.pth', sha256=source))
    shipping.verify(tmp_path / 'weights/parser.pth')

    content = torch.load(tmp_path / 'weights/parser.pth', weights_only=True)
    assert {value.dtype for value in content['state_dict'].values()} <= {torch.float16, torch.int64}
    assert init_model(None, tmp_path / 'weights/parser.pth').iou_head.regressor.bias.item() == pytest.approx(0.8, abs=1e-3)


def test_more_than_the_wheel_takes_is_refused_and_nothing_written(models, tmp_path, monkeypatch):
    monkeypatch.setattr(shipping, 'MOST_BYTES', 1_000_000)
    with pytest.raises(InputError, match=r'parser\.pth, detector\.pth: \d+\.\d MB together, but .* at most 1 MB'):
        shipping.ship(models, tmp_path / 'weights', data='photos')
    assert not (tmp_path / 'weights').exists()


def test_a_checkpoint_of_an_unknown_config_is_refused(models, tmp_path):
    del models['parser']['content']['meta']['experiment_name']
    with pytest.raises(DataError, match=r'weights\.pth: meta\.experiment_name is missing'):
        shipping.ship(models, tmp_path / 'weights', data='photos')


def test_files_that_differ_from_the_manifest_are_refused(models, tmp_path):
    shipping.ship(models, tmp_path, data='photos')
    parser, manifest = tmp_path / 'parser.pth', tmp_path / 'manifest.json'
    blob = bytearray(parser.read_bytes())
    blob[len(blob) // 2] ^= 1
    parser.write_bytes(blob)
    with pytest.raises(DataError, match=rf'parser\.pth: its SHA-256 is {hashlib.sha256(blob).hexdigest()}, but manifest'):
        shipping.verify(parser)
    shipping.verify(tmp_path / 'detector.pth')
    parser.unlink()
    with pytest.raises(DataError, match=r'parser\.pth: missing, though manifest\.json lists it'):
        shipping.verify(parser)
    for text in ('{"files": {}}', '[]', 'no JSON', '{"files": null}'):
        manifest.write_text(text)
        with pytest.raises(DataError, match=r'manifest\.json: (says nothing of detector\.pth|not readable as JSON)'):
            shipping.verify(tmp_path / 'detector.pth')
    manifest.unlink()
    with pytest.raises(DataError, match=r'manifest\.json: missing; install mmqanet again'):
        shipping.verify(tmp_path / 'detector.pth')

"""Checkpoints as ``.safetensors``: the same model out of either format."""
import sys

import pytest
import torch

from mmqanet.apis import init_model
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import publish, write_checkpoint
from mmqanet.errors import DataError, InputError


@pytest.fixture
def published(small_parser, tmp_path):
    pytest.importorskip('safetensors')
    source = small_parser / 'weights.pth'
    path = tmp_path / 'published.safetensors'
    write_checkpoint(publish(load_checkpoint_file(source), source=source), path)
    return path


def test_a_file_of_tensors_is_a_model(published, small_parser):
    found, expected = init_model(None, published), init_model(None, small_parser / 'weights.pth')
    for key, value in expected.state_dict().items():
        assert torch.equal(found.state_dict()[key], value), key
    assert found.dataset_meta == expected.dataset_meta
    assert found.cfg.model == expected.cfg.model
    assert (published.parent / 'published.safetensors.sha256').is_file()


def test_a_file_of_others_gives_its_weights(tmp_path):
    library = pytest.importorskip('safetensors.torch')
    library.save_file(dict(a=torch.ones(2)), tmp_path / 'x.safetensors')
    found = load_checkpoint_file(tmp_path / 'x.safetensors')
    assert set(found) == {'state_dict'}
    assert torch.equal(found['state_dict']['a'], torch.ones(2))


@pytest.mark.parametrize('damage', [
    lambda content: content[:-10], lambda content: content[:5], lambda content: b'', lambda content: b'\xff' * 100,
    lambda content: content[:8] + b'[' * 100 + content[108:],
    lambda content: content.replace(b'dataset_meta', b'dataset\\meta')])
def test_a_broken_file_is_named(published, damage):
    published.write_bytes(damage(published.read_bytes()))
    with pytest.raises(DataError, match=r'published\.safetensors: not a whole checkpoint'):
        load_checkpoint_file(published)


def test_without_the_library_one_line_says_what_to_install(published, monkeypatch):
    monkeypatch.setitem(sys.modules, 'safetensors', None)
    with pytest.raises(InputError, match=r"published\.safetensors: .safetensors files need safetensors: pip install"):
        load_checkpoint_file(published)
    with pytest.raises(InputError, match=r"new\.safetensors: .safetensors files need safetensors: pip install"):
        write_checkpoint(dict(state_dict={}), published.parent / 'new.safetensors')


def test_what_json_cannot_hold_is_named(tmp_path):
    pytest.importorskip('safetensors')
    with pytest.raises(DataError, match=r'x\.safetensors: what the checkpoint says of its weights is no JSON'):
        write_checkpoint(dict(state_dict={}, meta=dict(a=torch.ones(1))), tmp_path / 'x.safetensors')
    assert not (tmp_path / 'x.safetensors').exists()

"""Checkpoints to hand on: complete, without the training, with a hash that is true."""
import hashlib
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import init_model
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import publish, self_contained, write_checkpoint
from mmqanet.errors import DataError, InputError

CONFIG = Path(__file__).resolve().parents[2] / 'configs/toy/qanet_r18_toy.py'


@pytest.fixture
def trained(tmp_path):
    """A checkpoint with what mmengine's runner stores, of a small network; and the network."""
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]})
    torch.manual_seed(0)
    model = init_model(cfg)
    path = tmp_path / 'epoch_7.pth'
    torch.save(dict(
        state_dict={f'module.{key}': value for key, value in model.state_dict().items()}, optimizer=dict(state={}),
        meta=dict(cfg=cfg.pretty_text, dataset_meta=dict(model.dataset_meta), seed=3, epoch=7)), path)
    return path, model


@pytest.mark.parametrize('half', [False, True])
def test_a_published_checkpoint_needs_nothing_beside_it(trained, tmp_path, half):
    path, model = trained
    target = tmp_path / 'out/published.pth'
    digest = write_checkpoint(publish(load_checkpoint_file(path), source=path, half=half), target)
    assert sorted(file.name for file in target.parent.iterdir()) == ['published.pth', 'published.pth.sha256']
    assert hashlib.sha256(target.read_bytes()).hexdigest() == digest
    assert (tmp_path / 'out/published.pth.sha256').read_text() == f'{digest}  published.pth\n'

    content = torch.load(target, weights_only=True)
    assert set(content) == {'state_dict', 'meta'}
    assert set(content['meta']) == {'cfg', 'dataset_meta', 'mmqanet_version', 'source'}
    assert content['meta']['source'] == dict(file='epoch_7.pth', sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    loaded = init_model(None, target)
    assert loaded.dataset_meta == model.dataset_meta
    for key, value in model.state_dict().items():
        expected = value.half().float() if half and value.is_floating_point() else value
        assert torch.equal(loaded.state_dict()[key], expected), key
    assert target.stat().st_size < (0.6 if half else 1.1) * path.stat().st_size


@pytest.mark.parametrize('name', ['out.pth', 'out.safetensors'])
def test_half_precision_halves_floats_alone(trained, tmp_path, name):
    """70,001 steps are no half-precision number, nor is a mask one."""
    if name.endswith('.safetensors'):
        pytest.importorskip('safetensors')
    path, _ = trained
    state = dict(
        weight=torch.tensor([0.1, 1e-3]), double=torch.tensor([0.1], dtype=torch.float64), steps=torch.tensor(70001),
        table=torch.tensor([2049, -3], dtype=torch.int32), mask=torch.tensor([True, False]), byte=torch.tensor([255]).byte())
    write_checkpoint(self_contained(state, cfg=None, dataset_meta={}, source=path, half=True), tmp_path / name)
    written = load_checkpoint_file(tmp_path / name)['state_dict']
    for key, value in state.items():
        assert written[key].dtype == (torch.float16 if value.is_floating_point() else value.dtype), key
        assert torch.equal(written[key], value.half() if value.is_floating_point() else value), key


@pytest.mark.parametrize('name', ['a.pth', 'a.weights', 'a', 'safetensors', 'a.SAFETENSORS'])
def test_any_other_suffix_is_torchs_own_format(tmp_path, name):
    write_checkpoint(dict(state_dict=dict(a=torch.ones(2))), tmp_path / name)
    assert torch.load(tmp_path / name, weights_only=True)['state_dict']['a'].tolist() == [1, 1]
    assert (tmp_path / f'{name}.sha256').is_file()


def test_what_half_precision_cannot_hold_is_named(trained):
    path, _ = trained
    state = dict(small=torch.ones(1), large=torch.tensor([1e6]))
    self_contained(state, cfg=None, dataset_meta={}, source=path)
    with pytest.raises(DataError, match=r'epoch_7\.pth: large '):
        self_contained(state, cfg=None, dataset_meta={}, source=path, half=True)


@pytest.mark.parametrize(('missing', 'named'), [
    ('state_dict', 'state_dict'), ('meta', r'meta\.cfg'), ('cfg', r'meta\.cfg'), ('dataset_meta', r'meta\.dataset_meta')])
def test_a_checkpoint_that_lacks_something_is_refused(trained, missing, named):
    path, _ = trained
    content = load_checkpoint_file(path)
    content.pop(missing, None)
    content.get('meta', {}).pop(missing, None)
    with pytest.raises(DataError, match=named):
        publish(content, source=path)


def test_a_checkpoint_given_is_not_overwritten(tmp_path):
    given = tmp_path / 'given.pth'
    given.write_bytes(b'mine')
    with pytest.raises(InputError, match='would overwrite'):
        write_checkpoint(dict(state_dict={}), given, given=[None, given])
    assert given.read_bytes() == b'mine'
    assert list(tmp_path.iterdir()) == [given]


def test_a_published_config_names_no_files_of_the_training(trained):
    path, _ = trained
    content = load_checkpoint_file(path)
    cfg = Config.fromstring(content['meta']['cfg'], '.py')
    content['meta']['cfg'] += "load_from = '/home/me/start.pth'\nresume = False\nwork_dir = '/home/me/run'\n"
    published = publish(content, source=path)['meta']['cfg']
    assert '/home/me' not in published
    kept = Config.fromstring(published, '.py')
    assert kept.model == cfg.model
    assert kept.test_dataloader == cfg.test_dataloader
    assert {key for key in cfg if key not in kept} <= {'load_from', 'resume', 'work_dir'}


def test_a_weight_that_is_a_piece_of_a_larger_tensor_is_stored_alone(trained):
    large = torch.ones(1000)
    content = self_contained(dict(piece=large[:2]), cfg=None, dataset_meta={}, source=trained[0])
    assert content['state_dict']['piece'].untyped_storage().nbytes() == 8
    large[0] = 5
    assert content['state_dict']['piece'].tolist() == [1, 1]

"""Configs inside checkpoints: what mmengine writes comes back, whatever else executes nothing."""
import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import init_model
from mmqanet.checkpoints.stored_config import parse_literals, read_stored_config
from mmqanet.errors import DataError, InputError


def test_what_mmengine_writes_comes_back(small_parser):
    cfg = Config.fromfile(small_parser / 'config.py')
    assert parse_literals(cfg.pretty_text) == cfg.to_dict()
    kept = read_stored_config(dict(meta=dict(cfg=cfg.pretty_text)), 'x.pth')
    assert kept.model == cfg.model
    assert kept.test_dataloader == cfg.test_dataloader
    assert 'train_dataloader' not in kept


def test_every_kind_of_literal():
    text = "a = dict(b=[1, -2.5, (True, None)], c={'d-e': 'f', 2: inf})\ng = {1, 2}"
    assert parse_literals(text) == {'a': {'b': [1, -2.5, (True, None)], 'c': {'d-e': 'f', 2: float('inf')}}, 'g': {1, 2}}


@pytest.mark.parametrize('text', [
    'import os', 'a = __import__("os")', 'a = open("x")', 'a = dict(**{})', 'a = [b for b in ()]', 'a = x.y', 'a = f"{1}"',
    'a, b = 1, 2', 'a = 1 if 1 else 2', 'a = lambda: 0', 'def f(): pass', 'a.b = 1', 'a = dict(1)', 'a = {**{}}', 'a = (',
    'a = -"b"'])
def test_nothing_else_is_read(text):
    with pytest.raises(DataError, match=r'x\.pth: its config is refused'):
        read_stored_config(dict(meta=dict(cfg=f'model = dict()\n{text}')), 'x.pth')


@pytest.mark.parametrize(
    'kind', ['os.system', 'subprocess.call', 'mmengine.put_text', 'evil', 'mmseg.models.FCNHead', 'a b'])
@pytest.mark.parametrize('where', ['model', 'test_dataloader'])
def test_types_that_mmengine_would_import_are_refused(kind, where):
    stored = {'model': {}, 'test_dataloader': {}} | {where: dict(a=[dict(b=dict(type=kind))])}
    for cfg in (stored, Config(stored).pretty_text):
        with pytest.raises(DataError, match=f"type '{kind}' is no plain name"):
            read_stored_config(dict(meta=dict(cfg=cfg)), 'x.pth')
    with pytest.raises(DataError, match='_scope_'):
        read_stored_config(dict(meta=dict(cfg=dict(model=dict(_scope_='evil')))), 'x.pth')


def test_a_checkpoint_alone_is_a_model(small_parser, tmp_path):
    weights = small_parser / 'weights.pth'
    alone, both = init_model(None, weights), init_model(small_parser / 'config.py', weights)
    assert all(torch.equal(a, b) for a, b in zip(alone.state_dict().values(), both.state_dict().values()))
    assert alone.dataset_meta == both.dataset_meta
    content = torch.load(weights, weights_only=True)
    content['meta']['cfg'] = Config.fromfile(small_parser / 'config.py').to_dict()
    torch.save(content, tmp_path / 'dict.pth')
    assert init_model(None, tmp_path / 'dict.pth').dataset_meta == both.dataset_meta
    del content['meta']
    torch.save(content, tmp_path / 'bare.pth')
    with pytest.raises(InputError, match=r'bare\.pth: this checkpoint carries no config'):
        init_model(None, tmp_path / 'bare.pth')
    with pytest.raises(InputError, match='neither a config nor a checkpoint'):
        init_model(None)

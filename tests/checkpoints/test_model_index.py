"""Models by name."""
import pytest

from mmqanet.apis import HumanParsingInferencer, init_model
from mmqanet.checkpoints import model_index
from mmqanet.errors import DataError, InputError

INDEX = 'Import:\n  - configs/metafile.yml\n'
METAFILE = """
Models:
  - {{Name: Small, Alias: [tiny], Config: {folder}/config.py, Weights: {folder}/weights.pth}}
  - {{Name: untrained, Config: {folder}/config.py}}
  - {{Name: remote, Config: {folder}/config.py, Weights: 'https://example.org/remote.pth'}}
"""


@pytest.fixture
def index(tmp_path, monkeypatch, small_parser):
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'model-index.yml').write_text(INDEX)
    (tmp_path / 'configs/metafile.yml').write_text(METAFILE.format(folder=small_parser))
    monkeypatch.setattr(model_index, 'PACKAGE', tmp_path / 'mmqanet')
    model_index.model_entries.cache_clear()
    yield tmp_path
    model_index.model_entries.cache_clear()


def test_a_name_or_alias_brings_config_and_weights(index):
    for name in ('Small', 'small', 'tiny'):
        assert init_model(name).iou_head.regressor.bias.item() == pytest.approx(0.8)


def test_a_name_without_weights_wants_some(index, small_parser):
    with pytest.raises(InputError, match='untrained: no weights are released'):
        init_model('untrained')
    with pytest.raises(InputError, match=r'remote: download https://example\.org/remote\.pth'):
        init_model('remote')
    assert init_model('untrained', small_parser / 'weights.pth').iou_head.regressor.bias.item() == pytest.approx(0.8)


def test_unknown_names_are_told_the_known_ones(index):
    with pytest.raises(InputError, match=r'qanet: no such config, and no model of this name \(there are: Small, remote,'):
        init_model('qanet')


def test_the_index_of_the_checkout_names_configs_that_exist():
    for entry in model_index.model_entries().values():
        assert entry.config.is_file(), entry.name


def test_an_installation_without_weights_says_so(monkeypatch, tmp_path):
    for name in ('PARSER', 'DETECTOR'):
        monkeypatch.setattr(f'mmqanet.apis.inferencer.SHIPPED_{name}', tmp_path / f'{name.lower()}.pth')
    with pytest.raises(InputError, match='ships no parser weights: name a model, or give a config and its weights'):
        HumanParsingInferencer()


@pytest.mark.parametrize('lost', ['Name', 'Config'])
def test_an_entry_that_lacks_something_is_named(index, lost):
    path = index / 'configs/metafile.yml'
    path.write_text(path.read_text().replace(f'{lost}:', 'Remark:', 1))
    with pytest.raises(DataError, match=rf"configs/metafile\.yml: a model lacks '{lost}'"):
        model_index.model_entries()

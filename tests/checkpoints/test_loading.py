"""Checkpoints: whole or absent, and data, never code."""
import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner import CheckpointLoader

from mmqanet.checkpoints import mmengine_loading
from mmqanet.checkpoints.loading import WholeFilesBackend, check_weights, last_whole_checkpoint, load_checkpoint_file
from mmqanet.errors import DataError, InputError


def save(path, **content):
    torch.save(dict(state_dict=dict(weight=torch.ones(3)), **content), path)
    return path


def test_what_mmengine_saves_loads_as_data(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    path = save(tmp_path / 'a.pth', message_hub=dict(loss=history), meta=dict(epoch=3, best=np.float64(0.5)))
    content = load_checkpoint_file(path)
    assert content['meta']['epoch'] == 3
    assert content['message_hub']['loss'].mean() == 1.5


class Payload:
    def __reduce__(self):
        return os.system, ('touch executed',)


def test_a_checkpoint_that_would_execute_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path / 'evil.pth', payload=Payload())
    with pytest.raises(DataError, match=r'evil\.pth: refused'):
        load_checkpoint_file(path)
    mmengine_loading.install()
    with pytest.raises(DataError, match=r'evil\.pth: refused'):
        CheckpointLoader.load_checkpoint(str(path))
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('damage', [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(path.read_bytes()[:-200]),
    lambda path: path.write_bytes(b''),
    lambda path: path.write_bytes(b'hello'),
    lambda path: torch.save([1], path),
    lambda path: path.write_bytes(pickle.dumps({'a': 1})[:-3]),
])
def test_a_missing_or_broken_checkpoint_is_named(tmp_path, damage):
    path = save(tmp_path / 'broken.pth')
    damage(path)
    with pytest.raises(DataError, match=r'broken\.pth'):
        load_checkpoint_file(path)


def test_what_is_no_file_is_named(tmp_path):
    os.mkfifo(tmp_path / 'pipe.pth')
    for path in (tmp_path, tmp_path / 'pipe.pth', '/dev/zero'):
        with pytest.raises(DataError, match='not a file'):
            load_checkpoint_file(path)
    for path in ('~nobody-here/a.pth', 'a\0.pth', f'{"a" * 5000}.pth'):
        with pytest.raises(DataError, match=r'\.pth'):
            load_checkpoint_file(path)


@pytest.mark.parametrize(('state', 'error', 'message'), [
    (dict(a=torch.full((2,), float('nan'))), DataError, 'a holds NaN or infinity'),
    (dict(a=torch.tensor([1, float('inf')])), DataError, 'a holds NaN or infinity'),
    (dict(a=torch.ones(2, dtype=torch.complex64)), DataError, 'a is complex64 where float32 is expected'),
    (dict(a=torch.ones(2, dtype=torch.bool)), DataError, 'a is bool where float32 is expected'),
    (dict(a=torch.ones(2, dtype=torch.int64)), DataError, 'a is int64 where float32 is expected'),
    (dict(a=[1, 1]), DataError, "holds no weights by name: 'a' is a list"),
    ({1: torch.ones(2)}, DataError, 'holds no weights by name: 1 is a Tensor'),
    ([torch.ones(2)], DataError, 'its weights are a list'),
    ({'a': torch.ones(2), 'module.a': torch.ones(2)}, DataError, 'two of its weights have one name'),
    (dict(a=torch.ones(3)), InputError, 'another shape'),
    (dict(b=torch.ones(2)), InputError, 'another config'),
])
def test_weights_that_no_model_can_use_are_named(state, error, message):
    model = torch.nn.Module()
    model.a = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(error, match=rf'x\.pth: .*{message}'):
        check_weights(model, state, 'x.pth')
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        check_weights(model, {'module.a': torch.ones(2, dtype=dtype)}, 'x.pth')


def test_the_last_whole_checkpoint_is_found(tmp_path):
    assert last_whole_checkpoint(tmp_path) is None
    for epoch in (10, 8, 9):  # copied folders have their files in any order of time
        path = save(tmp_path / f'epoch_{epoch}.pth')
        os.utime(path, (100 - epoch, 100 - epoch))
    path = tmp_path / 'epoch_10.pth'
    save(tmp_path / 'best_mIoU_epoch_9.pth')
    assert last_whole_checkpoint(tmp_path).name == 'epoch_10.pth'
    path.write_bytes(path.read_bytes()[:-50])
    assert last_whole_checkpoint(tmp_path).name == 'epoch_9.pth'


def test_files_appear_whole(tmp_path, monkeypatch):
    target = tmp_path / 'epoch_1.pth'
    target.write_bytes(b'old')

    def killed(source, destination):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', killed)
    with pytest.raises(KeyboardInterrupt):
        WholeFilesBackend().put(b'new', str(target))
    assert target.read_bytes() == b'old'
    monkeypatch.undo()
    WholeFilesBackend().put(b'new', str(target))
    WholeFilesBackend().put_text('text', str(tmp_path / 'sub' / 'note.txt'))
    assert target.read_bytes() == b'new'
    assert (tmp_path / 'sub' / 'note.txt').read_text() == 'text'

"""tools/model_converters/average_checkpoints.py: weights between two, counts and config of the latter."""
import runpy
import sys
from pathlib import Path

import pytest
import torch

from mmqanet.checkpoints.loading import load_checkpoint_file

TOOL = Path(__file__).resolve().parents[2] / 'tools/model_converters/average_checkpoints.py'


def average(monkeypatch, *words):
    monkeypatch.setattr(sys, 'argv', [TOOL.name, *map(str, words)])
    runpy.run_path(str(TOOL), run_name='__main__')


def test_weights_lie_between(tmp_path, monkeypatch):
    before, after = dict(w=torch.zeros(2), n=torch.tensor(3)), dict(w=torch.tensor([1.0, 2.0]).half(), n=torch.tensor(5))
    torch.save(dict(state_dict=before), tmp_path / 'before.pth')
    torch.save(dict(state_dict=after, meta=dict(cfg='a = 1')), tmp_path / 'after.pth')
    average(monkeypatch, tmp_path / 'before.pth', tmp_path / 'after.pth', tmp_path / 'out.pth', '--share', 0.25)
    content = load_checkpoint_file(tmp_path / 'out.pth')
    assert content['state_dict']['w'].tolist() == [0.25, 0.5]
    assert content['state_dict']['w'].dtype == torch.float16
    assert content['state_dict']['n'] == 5
    assert content['meta']['cfg'] == 'a = 1'
    torch.save(dict(state_dict=dict(w=torch.zeros(3), n=torch.tensor(1))), tmp_path / 'other.pth')
    for name, share, message in (('before', 1.5, 'must lie in'), ('other', 0.5, 'w is missing or has another')):
        with pytest.raises(SystemExit, match=message):
            average(monkeypatch, tmp_path / f'{name}.pth', tmp_path / 'after.pth', tmp_path / 'no.pth', '--share', share)
    assert not (tmp_path / 'no.pth').exists()


@pytest.mark.parametrize('name', ['before.pth', 'after.pth'])
def test_no_checkpoint_that_was_given_is_overwritten(tmp_path, monkeypatch, name):
    for given in ('before.pth', 'after.pth'):
        torch.save(dict(state_dict=dict(w=torch.zeros(1))), tmp_path / given)
    content = (tmp_path / name).read_bytes()
    with pytest.raises(SystemExit, match='would overwrite'):
        average(monkeypatch, tmp_path / 'before.pth', tmp_path / 'after.pth', tmp_path / name, '--share', 0.5)
    assert (tmp_path / name).read_bytes() == content


def test_several_checkpoints_are_averaged_by_weight(tmp_path, monkeypatch):
    for index, value in enumerate((1.0, 2.0, 6.0)):
        torch.save(dict(state_dict=dict(w=torch.full((2,), value), n=torch.tensor(index))), tmp_path / f'{index}.pth')
    given = [tmp_path / f'{index}.pth' for index in range(3)]
    for options, expected in (([], 3.0), (['--weights', 2, 1, 1], 2.5)):
        average(monkeypatch, *given, tmp_path / 'out.pth', *options)
        state = load_checkpoint_file(tmp_path / 'out.pth')['state_dict']
        assert state['w'].tolist() == [expected] * 2
        assert state['n'] == 2
    torch.save(dict(state_dict=dict(w=torch.zeros(2), n=torch.tensor(1), more=torch.zeros(1))), tmp_path / 'more.pth')
    for words, message in (([given[0], '--weights', 1], 'needs two checkpoints or more'),
                           (['--share', 0.5], 'is for two checkpoints, not 3'), (['--weights', 1, 1], 'for 3 checkpoints'),
                           ([tmp_path / 'more.pth'], 'more is missing')):
        inputs = words[:1] if words[0] == given[0] else [*given, *(words[:1] if len(words) == 1 else [])]
        options = words[1:] if words[0] == given[0] else words if len(words) > 1 else []
        with pytest.raises(SystemExit, match=message):
            average(monkeypatch, *inputs, tmp_path / 'no.pth', *options)
    assert not (tmp_path / 'no.pth').exists()

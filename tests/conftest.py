"""Fixtures of the whole suite."""
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope
from small_networks import write_small_network

REPO = Path(__file__).resolve().parents[1]


def pytest_configure():
    """One thread, unless ``OMP_NUM_THREADS`` says otherwise, for the tests and the commands that they start.

    The tests run side by side already; more threads than processors would only wait for each other.
    """
    torch.set_num_threads(int(os.environ.setdefault('OMP_NUM_THREADS', '1')))


@pytest.fixture(autouse=True)
def _own_scope(monkeypatch):
    """A scope that mmengine opens, as every Runner does, ends with the test: in another's, plain names mean other things."""
    monkeypatch.setattr(DefaultScope, '_instance_dict', DefaultScope._instance_dict.copy())


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Reference values and real photos beside the checkout; tests that want them skip where they are absent."""
    folder = Path(os.environ.get('MMQANET_SHARED', REPO.parent / 'shared'))
    if not folder.is_dir():
        pytest.skip('no reference material beside the checkout')
    return folder


@pytest.fixture(scope='session')
def golden_dir(shared_dir) -> Path:
    """Values recorded from runs of the released code."""
    folder = shared_dir / 'reference/golden'
    if not folder.is_dir():
        pytest.skip('the recorded values are not here')
    return folder


@pytest.fixture(scope='session')
def released_keys(shared_dir) -> Callable[[str], list]:
    """A function from the name of a released network to the [key, shape] pairs of its checkpoint."""
    def read(name: str) -> list:
        path = shared_dir / f'reference/checkpoint_keys/{name}.json'
        if not path.exists():
            pytest.skip('the released key names are not here')
        return json.loads(path.read_text())['keys']

    return read


@pytest.fixture(scope='session')
def small_parser(tmp_path_factory) -> Path:
    """A folder with ``config.py`` of a small network and ``weights.pth``: untrained, but sure of its answers."""
    return write_small_network(tmp_path_factory.mktemp('small_parser'), REPO / 'configs/toy/qanet_r18_toy.py', seed=0)

"""Fixtures of the whole suite."""
import os
from pathlib import Path

import pytest
from mmengine.config import Config

REPO = Path(__file__).resolve().parents[1]


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


@pytest.fixture
def r50_model_cfg() -> Config:
    """The paper's network as configured, without pre-trained weights and post-processing."""
    cfg = Config.fromfile(REPO / 'configs/_base_/models/qanet_r50.py').model
    cfg.backbone.pop('init_cfg')
    cfg.pop('postprocessor')
    cfg.parsing_head.pop('loss_lovasz')
    return cfg

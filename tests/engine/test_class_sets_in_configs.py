"""Configs that predict a coarser label set."""
from pathlib import Path

import pytest
from mmengine.config import Config

from mmqanet.datasets import ATRDataset, CCPSidesDataset
from mmqanet.engine.changes import merge_classes_in, use_class_set
from mmqanet.errors import InputError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def load(name: str) -> Config:
    return Config.fromfile(CONFIGS / name)


def test_a_test_with_merged_classes():
    cfg = load('ccp/qanet_efficientnet-lite0_ccp-sides_384x288.py')
    use_class_set(cfg, 'full')
    assert 'merging' not in cfg.model
    assert cfg.test_dataloader.dataset.type == 'CCPSidesDataset'
    use_class_set(cfg, 'merged16')
    assert cfg.test_dataloader.dataset.type == 'CCPMergedDataset'
    assert max(cfg.model.merging.table) == 16
    assert [tuple(pair) for pair in cfg.model.merging.flip_pairs] == list(CCPSidesDataset.METAINFO['flip_pairs'])


def test_what_it_then_predicts():
    cfg, meta = load('ccp/qanet_efficientnet-lite0_ccp-sides_384x288.py'), CCPSidesDataset.METAINFO
    assert merge_classes_in(cfg, meta, 'full') == meta
    assert merge_classes_in(cfg, meta, 'atr') == ATRDataset.METAINFO


def test_configs_that_cannot():
    with pytest.raises(InputError, match='20 classes knows full'):
        use_class_set(load('qanet/qanet_r50_cihp.py'), 'merged16')
    with pytest.raises(InputError, match='--classes: needs a parser'):
        use_class_set(load('detection/fcos_r50_person_cihp.py'), 'atr')

"""The label set with left and right: what it is split from, and its partial labels, which the losses of configs know."""
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmqanet.datasets import CCPMergedDataset, CCPSidesDataset
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_ORIGINS, CCP_SIDES_PARTIAL_LABELS, SPLIT
from mmqanet.functional.mirroring import swap_sides

CONFIGS = sorted(Path(__file__).resolve().parents[2].glob('configs/ccp/*sides*.py'))


def test_every_class_is_a_part_of_one_merged_class():
    merged = CCPMergedDataset.METAINFO['classes']
    assert sorted(set(CCP_SIDES_ORIGINS)) == list(range(len(merged)))
    for name, origin in zip(CCP_SIDES_CLASSES, CCP_SIDES_ORIGINS):
        assert name == merged[origin] or name in SPLIT[merged[origin]]


def test_partial_labels_are_the_same_in_the_mirror():
    swap = swap_sides(np.arange(256, dtype=np.uint8), CCPSidesDataset.METAINFO['flip_pairs'])
    for name, classes in CCP_SIDES_PARTIAL_LABELS.items():
        assert {int(swap[label]) for label in classes} == set(classes), name
        assert 0 not in classes
    for name in SPLIT:
        assert {CCP_SIDES_CLASSES[label] for label in CCP_SIDES_PARTIAL_LABELS[name]} == set(SPLIT[name])


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_the_losses_of_the_configs_know_the_partial_labels(path):
    loss = Config.fromfile(path).model.parsing_head.loss_ce
    assert [tuple(classes) for classes in loss.label_sets] == list(CCP_SIDES_PARTIAL_LABELS.values())
    assert loss.class_weight is None or len(loss.class_weight) == len(CCP_SIDES_CLASSES)

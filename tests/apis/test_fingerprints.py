"""Digests tell apart what makes other results, and nothing else."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmqanet.apis.fingerprints import boxes_digest, detector_digest, model_digest


def network(*, value=0.5, speed_options=('max_crops_per_batch',), classes=('background', 'hat'), pipeline='Load', **changes):
    model = nn.Linear(2, 1)
    nn.init.constant_(model.weight, value)
    nn.init.constant_(model.bias, 0)
    model.speed_options, model.dataset_meta = speed_options, dict(classes=classes)
    model.cfg = Config(dict(
        model=dict(type='Net', flip_test=True, max_crops_per_batch=3, init_cfg=None, **changes),
        test_dataloader=dict(dataset=dict(pipeline=[dict(type=pipeline)]))))
    return model


def test_a_digest_says_what_it_is():
    assert model_digest(network()).startswith('sha256:')
    assert len(model_digest(network())) == len('sha256:') + 32
    assert model_digest(network()) == model_digest(network())


@pytest.mark.parametrize('change', [
    dict(value=0.5000001), dict(depth=50), dict(pipeline='LoadOther'), dict(classes=('background', 'cap')),
    dict(speed_options=())])
def test_another_network_has_another_digest(change):
    assert model_digest(network(**change)) != model_digest(network())


def test_how_fast_it_runs_and_how_it_was_initialised_do_not_count():
    model = network()
    model.cfg.model.update(max_crops_per_batch=16, init_cfg=dict(type='Pretrained'))
    assert model_digest(model) == model_digest(network())
    model.cfg.model.update(flip_test=False)
    assert model_digest(model) != model_digest(network())


def test_names_of_weights_count_and_a_network_without_config_has_a_digest():
    one, other = nn.Sequential(nn.Linear(1, 1, bias=False)), nn.Sequential()
    other.add_module('1', one[0])
    assert len({model_digest(one), model_digest(other), model_digest(nn.Sequential())}) == 3
    assert model_digest(nn.BatchNorm1d(2).half()) != model_digest(nn.BatchNorm1d(2))


def test_a_detector_is_its_network_and_its_thresholds():
    def detector(**changes):
        return SimpleNamespace(**{**dict(model=network(), score_thr=0.3, max_people=100), **changes})

    expected = detector_digest(detector())
    assert expected == detector_digest(detector())
    for change in (dict(model=network(value=1.0)), dict(score_thr=0.31), dict(max_people=99), dict(tiles=512)):
        assert detector_digest(detector(**change)) != expected
    assert detector_digest(SimpleNamespace(detect=None)) == 'types.SimpleNamespace'


def test_boxes_are_their_numbers_whatever_holds_them():
    boxes = [[0, 0, 9, 9], [1, 2, 3, 4]]
    same = [boxes, tuple(map(tuple, boxes)), np.array(boxes), np.array(boxes, np.float32), torch.tensor(boxes)]
    assert len({boxes_digest(given) for given in same}) == 1
    assert boxes_digest({'a.png': boxes, 'b.png': None}) == boxes_digest({'b.png': None, 'a.png': np.array(boxes)})
    assert boxes_digest([boxes, boxes[:1], None, 'image']) == boxes_digest([np.array(boxes), boxes[:1], None, 'image'])


def test_other_boxes_have_another_digest():
    given = [None, 'image', [], [[0, 0, 9, 9]], [[0, 0, 9, 9.5]], [[[0, 0, 9, 9]]], {'a.png': [[0, 0, 9, 9]]},
             {'b.png': [[0, 0, 9, 9]]}, [[[0, 0, 9, 9]], None]]
    assert len({boxes_digest(boxes) for boxes in given}) == len(given)

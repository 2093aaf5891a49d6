"""The network agrees with the released one, given its weights by its own names."""
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmqanet.checkpoints.conversion.released_weights import convert_released, translate_released_keys
from mmqanet.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'


def made_up_weight(key: str, shape: list[int], gain: float) -> np.ndarray:
    """The deterministic weights that the reference run used (golden/README.md)."""
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    if key.endswith('num_batches_tracked'):
        return np.zeros(shape)
    if key.endswith('running_var'):
        return 1 + 0.2 * abs(noise)
    if key.endswith(('bias', 'running_mean')):
        return 0.1 * noise
    if len(shape) >= 2:
        return noise * np.sqrt(2 / np.prod(shape[1:])) * gain
    return 1 + 0.1 * noise


@pytest.fixture
def golden(golden_dir):
    stem = 'network_cihp_r50c_pfpn_256x192'
    return json.loads((golden_dir / f'{stem}.json').read_text()), np.load(golden_dir / f'{stem}.npz')


def test_logits_agree_with_the_released_network(golden, shared_dir, r50_model_cfg):
    facts, arrays = golden
    r50_model_cfg.pop('iou_head')
    model = MODELS.build(r50_model_cfg).eval()
    released = json.loads((shared_dir / 'reference/checkpoint_keys/qanet_r50c_cihp.json').read_text())['keys']
    shapes = {key: shape for key, shape in released if 'ParsingIoU' not in key}
    released_state = {
        f'module.{key}': torch.from_numpy(np.asarray(made_up_weight(key, shape, facts['gain']), dtype=np.float32))
        for key, shape in shapes.items()
    }
    model.load_state_dict(convert_released(dict(model=released_state, optimizer=dict(state={}))))
    assert sum(p.numel() for p in model.parameters()) == facts['num_params']

    h, w = facts['input_hw']
    rng = np.random.default_rng(2021)
    coarse = rng.standard_normal((1, 3, h // 32, w // 32)).repeat(32, axis=2).repeat(32, axis=3)
    inputs = torch.from_numpy((2 * coarse + 0.5 * rng.standard_normal((1, 3, h, w))).astype(np.float32))
    with torch.no_grad():
        logits, _ = model(inputs)

    expected = arrays['logits_sub8']
    assert list(logits.shape) == facts['logits']['shape']
    difference = np.abs(logits[:, :, ::8, ::8].numpy() - expected).max()
    assert difference <= 1e-4 * facts['logits']['std']


NETWORKS = {
    'qanet_r50c_cihp': 'qanet/qanet_r50_cihp.py',
    'qanet_r101d_mhp-v2': 'qanet/qanet_r101_mhp-v2.py',
    'qanet_hrnet-w48_cihp': 'qanet/qanet_hrnet-w48_cihp.py',
    'simplenet_r50c_cihp': 'simplenet/simplenet_r50_cihp-256x192.py',
}


@pytest.mark.parametrize('name', NETWORKS)
def test_every_released_key_has_its_place_and_shape(released_keys, name):
    released = released_keys(name)
    cfg = Config.fromfile(CONFIGS / NETWORKS[name])
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    names = translate_released_keys([key for key, _ in released])
    assert {names[key]: shape for key, shape in released} == {
        key: list(value.shape) for key, value in model.state_dict().items()}

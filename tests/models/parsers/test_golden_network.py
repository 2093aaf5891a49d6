"""The network agrees with the released one, given its weights by its own names."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up import made_up_input, released_state
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmqanet.checkpoints.conversion.released_weights import convert_released, translate_released_keys
from mmqanet.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'


def network(name: str, *, iou_head: bool = True) -> torch.nn.Module:
    """The untrained network of a config, without memory for its weights."""
    cfg = Config.fromfile(CONFIGS / name)
    cfg.model.backbone.init_cfg = None
    if not iou_head:
        cfg.model.iou_head = None
    with DefaultScope.overwrite_default_scope('mmqanet'), torch.device('meta'):
        return MODELS.build(cfg.model)


# What was recorded: the network's keys, its config, whether the IoU head took part, and the tolerance as a share of the
# logits' standard deviation. Seen with other instruction sets: 1.5e-6 to 2.4e-6 for HRNet.
RECORDED = {
    'network_cihp_r50c_pfpn_256x192': ('qanet_r50c_cihp', 'qanet/qanet_r50_cihp.py', False, 1e-5),
    'network_cihp_hw48_512x384': ('qanet_hrnet-w48_cihp', 'qanet/qanet_hrnet-w48_cihp.py', True, 1e-5),
}


@pytest.mark.parametrize('stem', RECORDED)
def test_logits_agree_with_the_released_network(golden_dir, released_keys, stem):
    if not (golden_dir / f'{stem}.npz').exists():
        pytest.skip(f'{stem} is not here')
    facts, arrays = json.loads((golden_dir / f'{stem}.json').read_text()), np.load(golden_dir / f'{stem}.npz')
    released, config, iou_head, tolerance = RECORDED[stem]
    keys = [(key, shape) for key, shape in released_keys(released) if iou_head or 'ParsingIoU' not in key]
    model = network(config, iou_head=iou_head).to_empty(device='cpu').eval()
    model.load_state_dict(convert_released(dict(model=released_state(keys, facts['gain']), optimizer=dict(state={}))))
    assert sum(p.numel() for p in model.parameters()) == facts['num_params']

    height, width = facts['input_hw']
    with torch.no_grad():
        logits, iou = model(made_up_input(height, width))
    assert list(logits.shape) == facts['logits']['shape']
    difference = np.abs(logits[:, :, ::8, ::8].numpy() - arrays['logits_sub8']).max()
    assert difference <= tolerance * facts['logits']['std']
    if iou_head:
        np.testing.assert_allclose(iou.numpy(), arrays['parsing_iou_score'], rtol=0, atol=1e-5)
        safe = np.unpackbits(arrays['safe'])[:height * width].reshape(height, width).astype(bool)
        assert safe.mean() > 0.99
        assert (logits[0].argmax(0).numpy() == arrays['argmax'])[safe].all()


NETWORKS = {
    'qanet_r50c_cihp': 'qanet/qanet_r50_cihp.py',
    'qanet_r101d_mhp-v2': 'qanet/qanet_r101_mhp-v2.py',
    'qanet_hrnet-w48_cihp': 'qanet/qanet_hrnet-w48_cihp.py',
    'simplenet_r50c_cihp': 'simplenet/simplenet_r50_cihp-256x192.py',
}


@pytest.mark.parametrize('name', NETWORKS)
def test_every_released_key_has_its_place_and_shape(released_keys, name):
    released, model = released_keys(name), network(NETWORKS[name])
    names = translate_released_keys([key for key, _ in released])
    assert {names[key]: shape for key, shape in released} == {
        key: list(value.shape) for key, value in model.state_dict().items()}

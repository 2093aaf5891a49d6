"""The released region-based parsers with made-up weights, as the recorded runs used them (golden/region_based/README.md)."""
import json
import zlib
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmqanet.checkpoints.conversion.region_weights import convert_region_based
from mmqanet.registry import MODELS

MODEL_CONFIGS = Path(__file__).resolve().parents[1] / 'configs/_base_/models'
#: File name of the model's config by the name of the recorded network.
NETWORKS = dict(parsing_rcnn='parsing-rcnn_r50.py', rp_rcnn='rp-rcnn_r50.py')


def model_config(name: str, **changes) -> Config:
    """The config of a network in the release's arithmetic, without pre-trained weights."""
    cfg = Config.fromfile(MODEL_CONFIGS / NETWORKS[name])
    cfg.model.arithmetic = 'release'
    cfg.model.backbone.init_cfg = None
    cfg.merge_from_dict({f'model.{key}': value for key, value in changes.items()})
    return cfg


def build(cfg: Config) -> torch.nn.Module:
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return MODELS.build(cfg.model)


def made_up_weight(key: str, shape: list[int], recorded: dict) -> torch.Tensor:
    """What the recorded run used for a key of the release."""
    if key in recorded['overrides']:
        return torch.tensor(recorded['overrides'][key], dtype=torch.float32)
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    if key.endswith('.bias'):
        noise = 0.1 * noise
    elif len(shape) >= 2:
        prefix = max((prefix for prefix in recorded['gains'] if key.startswith(prefix)), key=len)
        noise = noise * np.sqrt(2 / np.prod(shape[1:])) * recorded['gains'][prefix]
    else:
        noise = 1 + 0.1 * noise
    return torch.from_numpy(noise.astype(np.float32))


def released_content(folder: Path, name: str, recorded: dict) -> dict:
    """A made-up released checkpoint: what its file would hold."""
    keys = json.loads((folder / f'keys_{name}.json').read_text())['keys']
    return {'model': {f'module.{key}': made_up_weight(key, shape, recorded) for key, shape in keys
                      if 'cell_anchors' not in key}}


def loaded(folder: Path, name: str, recorded: dict, **changes) -> torch.nn.Module:
    """The network of a recorded run, with its weights, in evaluation mode."""
    model = build(model_config(name, **changes))
    state, _ = convert_region_based(released_content(folder, name, recorded))
    model.load_state_dict(state, strict=True)
    return model.eval()


def pattern(seed: int, shape: tuple[int, int, int, int]) -> torch.Tensor:
    """The made-up network input of the recorded runs."""
    rng = np.random.default_rng(seed)
    batch, channels, height, width = shape
    coarse = rng.standard_normal((batch, channels, height // 32, width // 32)).repeat(32, axis=2).repeat(32, axis=3)
    return torch.from_numpy((2 * coarse + 0.5 * rng.standard_normal(shape)).astype(np.float32))

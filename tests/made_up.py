"""The deterministic weights and inputs that the recorded runs of the released code used (golden/README.md)."""
import zlib

import numpy as np
import torch


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


def released_state(keys: list, gain: float) -> dict[str, torch.Tensor]:
    """A made-up released checkpoint."""
    return {f'module.{key}': torch.from_numpy(np.asarray(made_up_weight(key, shape, gain), dtype=np.float32))
            for key, shape in keys}


def made_up_input(height: int, width: int) -> torch.Tensor:
    """The input of the reference runs (golden/README.md)."""
    rng = np.random.default_rng(2021)
    coarse = rng.standard_normal((1, 3, height // 32, width // 32)).repeat(32, axis=2).repeat(32, axis=3)
    return torch.from_numpy((2 * coarse + 0.5 * rng.standard_normal((1, 3, height, width))).astype(np.float32))

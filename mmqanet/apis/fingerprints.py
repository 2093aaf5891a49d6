"""Digests by which a later run knows whether it would make the same results."""
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from mmqanet.apis.records import DIGEST


def model_digest(model: nn.Module) -> str:
    """Of the weights of a parser or detector, and of what its config says about predictions."""
    digest = hashlib.sha256()
    cfg = getattr(model, 'cfg', None)
    if cfg is not None:
        unimportant = ('init_cfg', *getattr(model, 'speed_options', ()))
        network = {key: value for key, value in cfg.model.items() if key not in unimportant}
        pipeline = cfg.test_dataloader.dataset.get('pipeline')
        classes = getattr(model, 'dataset_meta', {}).get('classes')
        digest.update(json.dumps([network, pipeline, classes], sort_keys=True, default=str).encode())
    for key, tensor in model.state_dict().items():
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return _shown(digest)


def detector_digest(detector: Any) -> str:
    """Of a person detector: of its network, threshold and tiles, or the name of an object of another class."""
    model = getattr(detector, 'model', None)
    if not isinstance(model, nn.Module):
        return f'{type(detector).__module__}.{type(detector).__qualname__}'
    digest = hashlib.sha256(model_digest(model).encode())
    digest.update(repr([getattr(detector, key, None) for key in ('score_thr', 'max_people')]).encode())
    if getattr(detector, 'tiles', None):
        digest.update(f'tiles {detector.tiles}'.encode())
    return _shown(digest)


def boxes_digest(boxes: Any) -> str:
    """Of the boxes that a caller gives."""
    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(inner) for key, inner in value.items()}
        if isinstance(value, str | None):
            return value
        try:
            return np.asarray(value, dtype=np.float64).tolist()
        except (ValueError, TypeError):  # a list of lists of another length each
            return [plain(inner) for inner in value]

    return _shown(hashlib.sha256(json.dumps(plain(boxes), sort_keys=True).encode()))


def array_digest(array: np.ndarray) -> str:
    """Of an array's shape, type and numbers."""
    digest = hashlib.sha256(repr([array.shape, array.dtype.str]).encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return _shown(digest)


def _shown(digest: Any) -> str:
    return f'{DIGEST}{digest.hexdigest()[:32]}'

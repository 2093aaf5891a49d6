"""Networks that are small and untrained, but sure of their answers."""
from pathlib import Path

import torch
from mmengine.config import Config


def write_small_network(folder: Path, config: Path, *, seed: int) -> Path:
    """Write ``config.py`` of a small version of a ResNet config, and ``weights.pth``; gives the folder."""
    from mmqanet.apis import init_model

    cfg = Config.fromfile(config)
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]})
    cfg.dump(folder / 'config.py')
    torch.manual_seed(seed)
    model = init_model(cfg)
    model.iou_head.regressor.bias.data.fill_(0.8)
    model.parsing_head.classifier.weight.data *= 300
    meta = dict(cfg=cfg.pretty_text, dataset_meta=model.dataset_meta)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / 'weights.pth')
    return folder

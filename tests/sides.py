"""A small network of the classes with left and right: untrained, but sure of its answers."""
from pathlib import Path

import torch
from mmengine.config import Config

from mmqanet.apis import init_model

CONFIG = Path(__file__).resolve().parents[1] / 'configs/toy/qanet_r18_toy.py'


def write_sides_parser(path: Path) -> Path:
    """Write a checkpoint that carries its config."""
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({
        'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64], 'model.parsing_head.num_classes': 23,
        'test_dataloader.dataset.type': 'CCPSidesDataset'})
    torch.manual_seed(0)
    model = init_model(cfg)
    model.iou_head.regressor.bias.data.fill_(0.8)
    model.parsing_head.classifier.weight.data *= 300
    torch.save(dict(state_dict=model.state_dict(), meta=dict(cfg=cfg.pretty_text, dataset_meta=model.dataset_meta)), path)
    return path

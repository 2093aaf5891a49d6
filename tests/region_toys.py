"""Small region-based parsers on a few drawn people."""
from pathlib import Path

import numpy as np
from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
TOYS = ('parsing_rcnn/parsing-rcnn_r18_toy.py', 'rp_rcnn/rp-rcnn_r18_toy.py')


def toy_config(name: str, *, data: Path | None = None, arithmetic: str = 'modern', **changes) -> Config:
    """A toy config with a thin backbone, at the size of the pictures; ``changes`` are entries like ``model.flip_test``."""
    cfg = Config.fromfile(CONFIGS / name)
    cfg.model.arithmetic = arithmetic
    cfg.model.backbone.base_channels = 8
    cfg.model.neck.in_channels = [8, 16, 32, 64]
    cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=3)
    cfg.train_dataloader.dataset.pipeline[2].short_sides = (72,)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        if data:
            loader.dataset.data_root = str(data)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.pipeline[2].short_side = 72
    cfg.merge_from_dict(changes)
    return cfg


def picture(height: int = 72, width: int = 96) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)

"""What the page on instance segmentation shows: mmdet's inferencer with qualities."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

pytest.importorskip('mmdet.apis')

from mmdet.apis import DetInferencer
from segmenters import build, small_model

from mmqanet.models.mask_quality import rank_by_quality
from mmqanet.models.on_mmdet import quality_aware

REPO = Path(__file__).resolve().parents[3]


def test_an_inferencer_sorts_and_thresholds_by_quality(tmp_path):
    cfg = Config.fromfile(REPO / 'configs/instance_segmentation/mask-rcnn_efficientnet-lite0_toy.py')
    cfg.test_dataloader.dataset.pipeline[0] = dict(type='LoadImageFromFile')
    cfg.model = small_model('FCNMaskHead')
    torch.save(dict(state_dict=build(cfg.model).state_dict(), meta=dict(dataset_meta=dict(
        classes=tuple(map(str, range(80))), palette=[(0, 0, 0)] * 80))), tmp_path / 'weights.pth')
    cfg.model = quality_aware(cfg.model)
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)

    inferencer = DetInferencer(cfg, str(tmp_path / 'weights.pth'), device='cpu', show_progress=False)
    sample, = inferencer(image, return_datasamples=True, no_save_vis=True)['predictions']
    best = rank_by_quality(sample.pred_instances, threshold=0.05)
    assert 0 < len(best) < len(sample.pred_instances)
    assert best.mask_scores.tolist() == sorted(best.mask_scores.tolist(), reverse=True)

    cfg.model = quality_aware(cfg.model, replace_scores=True)
    inferencer = DetInferencer(cfg, str(tmp_path / 'weights.pth'), device='cpu', show_progress=False)
    prediction, = inferencer(image, no_save_vis=True)['predictions']
    assert sorted(prediction['scores'], reverse=True)[:len(best)] == pytest.approx(best.mask_scores.tolist())

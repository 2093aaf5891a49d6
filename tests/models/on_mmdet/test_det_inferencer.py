"""The page on instance segmentation: its lines for a model of one's own, as they stand there."""
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

pytest.importorskip('mmdet.apis')

from segmenters import build, small_model

REPO = Path(__file__).resolve().parents[3]


@pytest.fixture
def blocks(tmp_path, monkeypatch):
    """The page's lines of Python, in a folder with the files that they name."""
    cfg = Config.fromfile(REPO / 'configs/instance_segmentation/mask-rcnn_efficientnet-lite0_toy.py')
    cfg.test_dataloader.dataset.pipeline[0] = dict(type='LoadImageFromFile')
    cfg.model = small_model('FCNMaskHead')
    cfg.dump(tmp_path / 'segmenter.py')
    model = build(cfg.model)
    with torch.no_grad():
        model.roi_head.bbox_head.fc_cls.weight *= 100  # some scores are high
        model.roi_head.bbox_head.fc_cls.bias[-1] = -9  # those of the background are not
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(
        classes=tuple(map(str, range(80))), palette=[(0, 0, 0)] * 80))), tmp_path / 'segmenter.pth')
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'photo.jpg'), image)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(DefaultScope, '_instance_dict', DefaultScope._instance_dict.copy())  # so that mmdet's scope ends
    section = (REPO / 'docs/instance_quality.md').read_text(encoding='utf-8').split('\n## ')[1]
    return re.findall(r'```python\n(.*?)```', section, flags=re.DOTALL)


def test_an_inferencer_sorts_and_thresholds_by_quality(blocks):
    first, second = blocks
    names = {}
    exec(first, names)
    best, found = names['best'], names['sample'].pred_instances
    assert 0 < len(best) < len(found)
    assert best.mask_scores.tolist() == sorted((score for score in found.mask_scores.tolist() if score >= 0.3), reverse=True)
    assert best.masks.shape == (len(best), 48, 64)

    exec(second, names)
    assert Path('drawn/vis/photo.jpg').exists()
    prediction, = names['inferencer']('photo.jpg', no_save_vis=True)['predictions']
    scores = sorted(prediction['scores'], reverse=True)
    assert scores == pytest.approx(sorted(found.mask_scores.tolist(), reverse=True))

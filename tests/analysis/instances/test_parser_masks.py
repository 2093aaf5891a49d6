"""People and parts of a parser as instances."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools')

from mmqanet.analysis.instances.parser_masks import people_and_parts
from mmqanet.apis import init_model
from mmqanet.apis.inference import prepare, read_frames
from mmqanet.datasets import CIHPDataset
from mmqanet.errors import InputError
from mmqanet.functional.mask_quality import MaskStatistics
from mmqanet.functional.pasting import paste_mask
from mmqanet.preparation.part_instances import write_part_instances
from mmqanet.preparation.toy import draw_toy_dataset

REPO = Path(__file__).resolve().parents[3]
THRESHOLDS = (0.25, 0.75)


@pytest.fixture
def packed(small_parser):
    model = init_model(small_parser / 'config.py', small_parser / 'weights.pth')
    frame, = read_frames([np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)])
    return model, prepare(model, frame, boxes=[[5, 5, 40, 55], [30, 0, 70, 60]], scores=[0.9, 0.4])


def test_every_class_with_a_mask_is_an_instance(packed):
    model, data = packed
    found = people_and_parts(model, data, thresholds=THRESHOLDS)
    sample = data['data_samples']
    with torch.no_grad():
        crops = list(model.forward_crops([data['inputs']], flip_pairs=sample.flip_pairs))
    expected = []
    for (probs, iou), crop, score in zip(crops, sample.crops, (0.9, 0.4)):
        for label in range(len(probs)):
            prob, (y, x) = paste_mask([1 - probs[0] if label == 0 else probs[label]], [crop.window], image_shape=(60, 80))
            whole = torch.zeros(60, 80)
            whole[y:y + prob.shape[0], x:x + prob.shape[1]] = prob
            if (whole >= 0.5).any():
                expected.append((label, score, float(iou), whole))
    assert len(expected) > 2
    assert found.labels.tolist() == [one[0] for one in expected]
    assert found.scores.tolist() == pytest.approx([one[1] for one in expected])
    assert found.mask_ious.tolist() == pytest.approx([one[2] for one in expected])
    for index, (*_, whole) in enumerate(expected):
        assert torch.equal(found.masks[index], whole >= 0.5)
        assert found.mask_counts[index].tolist() == [int((whole >= t).sum()) for t in THRESHOLDS]
        ys, xs = (whole >= 0.5).nonzero().T
        assert found.bboxes[index].tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
    statistics = MaskStatistics(thresholds=THRESHOLDS, counts=found.mask_counts, sums=found.mask_sums, num_pixels=4800)
    assert statistics.pixel_scores(0.25, 'ratio').max() <= 1


def test_other_parsers_and_several_scales_are_refused(packed):
    model, data = packed
    with pytest.raises(InputError, match='Identity: a top-down parser is needed'):
        people_and_parts(torch.nn.Identity(), data, thresholds=THRESHOLDS)
    data['data_samples'].set_metainfo(dict(crops=data['data_samples'].crops * 2))
    with pytest.raises(InputError, match='several crops of a person; one scale is needed'):
        people_and_parts(model, data, thresholds=THRESHOLDS)


def test_nobody(small_parser):
    model = init_model(small_parser / 'config.py', small_parser / 'weights.pth')
    frame, = read_frames([np.zeros((60, 80, 3), np.uint8)])
    found = people_and_parts(model, prepare(model, frame, boxes=np.zeros((0, 4)), scores=np.zeros(0)), thresholds=THRESHOLDS)
    assert found.masks.shape == (0, 60, 80)
    assert found.mask_counts.shape == (0, 2)


def test_the_command_reports_on_people_and_parts(small_parser, tmp_path):
    draw_toy_dataset(tmp_path, num_train=1, num_val=1, size=(96, 72), max_people=2, progress=False)
    write_part_instances(tmp_path / 'Validation', tmp_path / 'annotations/toy_val.json', tmp_path / 'val.json',
                         classes=CIHPDataset.METAINFO['classes'], show_progress=False)
    done = subprocess.run(
        [sys.executable, REPO / 'tools/analysis_tools/ablate_part_masks.py', tmp_path / 'val.json',
         tmp_path / 'Validation/Images', '--checkpoint', small_parser / 'weights.pth', '--box-score-thr', '0',
         '--draws', '2', '--out', tmp_path / 'out', '--no-progress', '--only', 'parts'],
        cwd=tmp_path, capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=str(REPO)))
    assert done.returncode == 0, done.stderr[-2000:]
    document = json.loads((tmp_path / 'out/parts/ablation.json').read_text())
    assert (document['images'], document['instances']) == (1, 'parts')
    assert {table['name'] for table in document['tables']} == {'module', 'weights', 'thresholds', 'ious'}

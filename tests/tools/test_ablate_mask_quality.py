"""The command for the paper's Table 7 on a small untrained model of mmdet's."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

pytest.importorskip('mmdet.models')

from segmenters import build, small_model

from mmqanet.preparation.part_instances import write_part_instances
from mmqanet.preparation.toy import draw_toy_dataset

REPO = Path(__file__).resolve().parents[2]
CLASSES = ('person', *(f'part {number}' for number in range(1, 80)))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder with toy instances, ``config.py`` of a plain Mask R-CNN of mmdet's, and its ``weights.pth``."""
    root = tmp_path_factory.mktemp('segmenter')
    draw_toy_dataset(root / 'toy', num_train=1, num_val=4, size=(96, 72), max_people=2, progress=False)
    write_part_instances(root / 'toy/Validation', root / 'toy/annotations/toy_val.json', root / 'toy/instances.json',
                         classes=('background', *CLASSES[1:]), show_progress=False)
    cfg = Config.fromfile(REPO / 'configs/instance_segmentation/mask-rcnn_efficientnet-lite0_toy.py')
    cfg.model = small_model('FCNMaskHead')
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.update(
        data_root=str(root / 'toy'), ann_file='instances.json', metainfo=dict(classes=CLASSES))
    cfg.dump(root / 'config.py')
    torch.save(dict(state_dict=build(cfg.model).state_dict()), root / 'weights.pth')
    return root


def run(folder, *options):
    return subprocess.run(
        [sys.executable, REPO / 'tools/analysis_tools/ablate_mask_quality.py', folder / 'config.py', folder / 'weights.pth',
         '--out', folder / 'out', '--no-progress', *options],
        cwd=folder, capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=str(REPO)))


def test_tables_from_one_forward_pass(folder):
    done = run(folder, '--limit', '2', '--draws', '5')
    assert done.returncode == 0, done.stderr[-2000:]
    assert '2 of 2 images done' in done.stdout
    again = run(folder, '--draws', '5', '--classes', 'person', 'part 6')
    assert '2 of 4 images done' in again.stdout
    document = json.loads((folder / 'out/ablation.json').read_text())
    tables = {table['name']: table for table in document['tables']}
    assert set(tables) == {'module', 'weights', 'thresholds', 'ious'}
    labels = [row['label'] for row in tables['module']['rows']]
    assert labels == [["the model's scores"], ['quality (1, 0, 1), ratio at 0.25']]
    assert 'gain_spread' in tables['module']['rows'][1]['figures']['AP']
    alone = next(row for row in tables['weights']['rows'] if row['label'] == ['1, 0, 0'])
    assert all(figure['gain'] == 0 for figure in alone['figures'].values() if figure['value'] is not None)
    assert (folder / 'out/module.csv').exists()
    assert '| ranked by | AP |' in (folder / 'out/ablation.md').read_text()
    assert (document['images'], document['classes']) == (4, 'person, part 6')
    assert document['box_metrics']['AP'] >= 0


def test_what_cannot_be_done_is_said_in_one_line(folder):
    cfg = Config.fromfile(folder / 'config.py')
    cfg.model.roi_head.pop('mask_head')
    cfg.model.roi_head.pop('mask_roi_extractor')
    cfg.dump(folder / 'boxes.py')
    done = subprocess.run(
        [sys.executable, REPO / 'tools/analysis_tools/ablate_mask_quality.py', folder / 'boxes.py', folder / 'weights.pth'],
        cwd=folder, capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=str(REPO)))
    assert done.returncode == 1
    assert 'no head with a quality-aware twin; mmdet heads that have one: FCNMaskHead' in done.stderr.splitlines()[-1]
    done = run(folder, '--weights', '1;0;1')
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("--weights: expected numbers between commas, such as 1,0,1, got '1;0;1'")
    done = run(folder, '--classes', 'person', 'part 99')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("--classes: the data set has no class 'part 99'")

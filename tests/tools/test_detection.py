"""A person detector on the embedded data: trained, tested, its people exported, a parser tested with them."""
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import init_detector, init_model
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.utils.images import read_image

pytest.importorskip('mmdet')
REPO = Path(__file__).resolve().parents[2]

DETECTOR = """
_base_ = '{repo}/configs/detection/fcos_efficientnet-lite0_person_toy.py'
model = dict(
    backbone=dict(_delete_=True, type='ResNet', depth=18, base_channels=8, out_indices=(1, 2, 3), strides=(2, 2, 2, 2)),
    neck=dict(in_channels=[16, 32, 64], out_channels=16),
    bbox_head=dict(type='mmqanet.IgnoringFCOSHead', in_channels=16, feat_channels=16),
    test_cfg=dict(score_thr=0.001, max_per_img=5))
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}/'))
val_dataloader = test_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}/'))
param_scheduler = []
train_cfg = dict(max_epochs=1)
"""
PARSER = """
_base_ = '{repo}/configs/toy/qanet_r18_toy.py'
model = dict(backbone=dict(base_channels=8), neck=dict(in_channels=[8, 16, 32, 64]))
val_dataloader = test_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}/', detection_file='{found}'))
"""


# One process for all commands: half of a small run is the import of mmdet.
DRIVER = """
import json, runpy, sys
from mmengine.config import Config
Config.pretty_text = ''  # laying it out for logs takes longer than the runs
for command in json.loads(sys.argv[1]):
    sys.argv = command
    try:
        runpy.run_path(command[0], run_name='__main__')
    except SystemExit as stop:
        print('STOPPED', stop, file=sys.stderr)
"""


def run_tools(folder, *commands):
    """Run commands (tool, argument, ...) one after the other; returns the lines of those that stopped."""
    commands = [[str(REPO / 'tools' / tool), *map(str, args)] for tool, *args in commands]
    done = subprocess.run(
        [sys.executable, '-c', DRIVER, json.dumps(commands)], cwd=folder, capture_output=True, text=True,
        env=dict(os.environ, PYTHONPATH=str(REPO), OMP_NUM_THREADS='1'))
    assert done.returncode == 0, done.stderr[-9000:]
    return [line for line in done.stderr.splitlines() if line.startswith('STOPPED')]


def test_a_detector_is_trained_and_a_parser_tested_with_its_people(tmp_path):
    draw_toy_dataset(tmp_path / 'data', num_train=4, num_val=3, size=(96, 72), seed=0, num_workers=1, progress=False)
    work, found, scores = tmp_path / 'work', tmp_path / 'found.json', tmp_path / 'scores.json'
    for name, text in (('detector.py', DETECTOR), ('parser.py', PARSER)):
        (tmp_path / name).write_text(text.format(repo=REPO, data=tmp_path / 'data', found=found))
    parser_cfg = Config.fromfile(tmp_path / 'parser.py')
    torch.save(dict(state_dict=init_model(parser_cfg).state_dict()), tmp_path / 'parser.pth')
    stopped = run_tools(
        tmp_path,
        ('train.py', 'detector.py', '--work-dir', work),
        ('test.py', 'detector.py', work / 'epoch_1.pth', '--work-dir', work, '--detections', found, '--out', scores,
         '--show-dir', 'shown'),
        ('test.py', 'detector.py', 'parser.pth', '--work-dir', work),
        ('test.py', 'parser.py', 'parser.pth', '--work-dir', work, '--out', 'parsed.json'))
    assert len(stopped) == 1
    assert 'parser.pth: weights of another config' in stopped[0]
    assert 0 <= json.loads(scores.read_text())['coco/bbox_mAP'] <= 1
    assert len(list((tmp_path / 'shown').rglob('*.jpg'))) == 3
    assert 'mIoU' in json.loads((tmp_path / 'parsed.json').read_text())

    # The file holds what the detector finds from Python, which rounds to quarters of a pixel.
    cfg = Config.fromfile(tmp_path / 'detector.py')
    images = json.loads((tmp_path / 'data/annotations/toy_val.json').read_text())['images']
    detect = init_detector(cfg, work / 'epoch_1.pth', score_thr=0.001).detect
    people = json.loads(found.read_text())
    assert len(people) > 3
    for image, (boxes, box_scores) in zip(images, detect(
            [read_image(tmp_path / 'data/Validation/Images' / image['file_name']) for image in images])):
        told = [person for person in people if person['image_id'] == image['id']]
        corners = np.array([[x, y, x + w, y + h] for x, y, w, h in (person['bbox'] for person in told)])
        solid = (boxes[:, 2:] - boxes[:, :2] > 0.02).all(axis=1)
        written = (corners[:, 2:] - corners[:, :2] > 0.015).all(axis=1)
        np.testing.assert_allclose(corners[written], boxes[solid], atol=0.125 + 0.01)
        np.testing.assert_allclose(
            np.array([person['score'] for person in told])[written], box_scores[solid], atol=1e-4)


def test_a_detector_of_coco_becomes_a_person_detector(tmp_path, monkeypatch):
    def convert(*args):
        monkeypatch.setattr(sys, 'argv', ['keep_person.py', *map(str, args)])
        runpy.run_path(str(REPO / 'tools/model_converters/keep_person.py'), run_name='__main__')

    torch.manual_seed(0)
    state = {'bbox_head.conv_cls.weight': torch.randn(80, 4, 3, 3), 'bbox_head.conv_cls.bias': torch.randn(80),
             'bbox_head.conv_reg.bias': torch.randn(4)}
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'coco.pth')  # no class names: COCO's, people first
    convert(tmp_path / 'coco.pth', tmp_path / 'person.pth')
    content = torch.load(tmp_path / 'person.pth', weights_only=True)
    assert content['meta']['dataset_meta'] == dict(classes=('person',))
    assert torch.equal(content['state_dict']['bbox_head.conv_cls.weight'], state['bbox_head.conv_cls.weight'][:1])
    assert torch.equal(content['state_dict']['bbox_head.conv_reg.bias'], state['bbox_head.conv_reg.bias'])
    (tmp_path / 'coco.pth').write_bytes(b'')
    with pytest.raises(SystemExit, match=r'coco\.pth: not a whole checkpoint'):
        convert(tmp_path / 'coco.pth', tmp_path / 'x.pth')
    assert not (tmp_path / 'x.pth').exists()

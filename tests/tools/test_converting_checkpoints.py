"""The tools that convert and publish checkpoints, from the file they are given to the file that the other tools take."""
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import init_model
from mmqanet.datasets.transforms import WarpCrops
from mmqanet.engine.launch import run_tool
from mmqanet.preparation.toy import draw_toy_dataset

REPO = Path(__file__).resolve().parents[2]
RELEASED = 'tools/model_converters/convert_qanet_checkpoint.py'
BACKBONE = 'tools/model_converters/convert_backbone.py'

CONFIG = """
_base_ = '{repo}/configs/qanet/qanet_r50_cihp.py'
model = dict(
    backbone=dict(base_channels=8, init_cfg=None),
    neck=[
        dict(type='FPN', in_channels=[32, 64, 128, 256], out_channels=8, num_outs=4, norm_cfg=dict(type='BN')),
        dict(type='SemanticFPN', in_channels=[8, 8, 8, 8], out_channels=8)],
    parsing_head=dict(in_channels=8),
    iou_head=dict(in_channels=8, hidden_channels=8))
crop = dict(type='BoxesToCrops', input_size=(48, 64))
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(
    data_root='{data}', ann_file='annotations/toy_val.json', pipeline=[*_base_.load_image, crop, *_base_.pack]))
val_dataloader = test_dataloader
"""

# mmqanet's name → the release's: what the converter has to undo.
TO_RELEASED = (
    (r'^backbone\.stem\.(\d)\.', lambda m: f'Conv_Body.{"conv" if int(m[1]) % 3 == 0 else "bn"}{int(m[1]) // 3 + 1}.'),
    (r'^backbone\.', 'Conv_Body.'),
    (r'\.conv\.(weight|bias)$', r'.0.\1'),
    (r'\.bn\.(\w+)$', r'.1.\1'),
    (r'^neck\.0\.lateral_convs\.3\.', 'Conv_Body_FPN.fpn.p5_in.'),
    (r'^neck\.0\.fpn_convs\.3\.', 'Conv_Body_FPN.fpn.p5_out.'),
    (r'^neck\.0\.lateral_convs\.(\d)\.', lambda m: f'Conv_Body_FPN.fpn.fpn_in.{2 - int(m[1])}.'),
    (r'^neck\.0\.fpn_convs\.(\d)\.', lambda m: f'Conv_Body_FPN.fpn.fpn_out.{2 - int(m[1])}.'),
    (r'^neck\.1\.levels\.(\d)\.(\d)\.', lambda m: f'Conv_Body_FPN.scale{4 - int(m[1])}_block.{2 * int(m[2])}.'),
    (r'^parsing_head\.classifier\.', 'Parsing.Output.classify.'),
    (r'^iou_head\.reduce\.0\.', 'Parsing.ParsingIoU.Head.conv1x1.0.'),
    (r'^iou_head\.layers\.(\d)\.0\.', r'Parsing.ParsingIoU.Head.conv_layers.\1.0.'),
    (r'^iou_head\.regressor\.', 'Parsing.ParsingIoU.Output.parsing_iou.'),
)


def released_name(key: str) -> str:
    for pattern, replacement in TO_RELEASED:
        key = re.sub(pattern, replacement, key)
    return key


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    """A thin QANet-R50, its config file, and its weights under the released names."""
    root = tmp_path_factory.mktemp('network')
    draw_toy_dataset(root / 'data', num_train=1, num_val=2, size=(96, 72), seed=0, num_workers=1, progress=False)
    config = root / 'thin.py'
    config.write_text(CONFIG.format(repo=REPO, data=root / 'data'))
    torch.manual_seed(0)
    model = init_model(config)
    return config, model, {f'module.{released_name(key)}': value for key, value in model.state_dict().items()}


@pytest.fixture
def run(monkeypatch):
    """Runs a tool in this process; returns the line that it ends with, where it fails, and else None."""
    def run(tool, *args):
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, args)])
        try:
            run_tool(runpy.run_path(str(REPO / tool))['main'])
        except SystemExit as ending:
            return ending.code
        return None
    return run


@pytest.mark.parametrize('wrapped', [True, False])
def test_released_weights_arrive_and_are_tested(network, run, tmp_path, capsys, wrapped):
    config, model, released = network
    source, target = tmp_path / 'released.pth', tmp_path / 'converted.pth'
    torch.save(dict(model=released, optimizer=dict(state={}), scheduler=dict(step=3)) if wrapped else released, source)
    assert run(RELEASED, source, target, '--config', config) is None
    assert f'{len(released)} tensors' in capsys.readouterr().out
    meta = torch.load(target, weights_only=True)['meta']
    assert meta['crop_sampler'] == 'align'
    steps = Config.fromstring(meta['cfg'], '.py').test_dataloader.dataset.pipeline
    assert [step.sampler for step in steps if 'sampler' in step] == ['align']
    for loaded in (init_model(config, target), init_model(None, target)):
        assert loaded.dataset_meta == model.dataset_meta
        assert [step.sampler for step in loaded.pipeline.transforms if isinstance(step, WarpCrops)] == ['align']
        assert all(torch.equal(value, model.state_dict()[key]) for key, value in loaded.state_dict().items())
    if wrapped:
        metrics = tmp_path / 'metrics.json'
        done = subprocess.run(
            [sys.executable, 'tools/test.py', config, target, '--work-dir', tmp_path / 'work', '--out', metrics], cwd=REPO,
            capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS='1'))
        assert done.returncode == 0, done.stderr[-3000:]
        assert 0 <= json.loads(metrics.read_text())['mIoU'] <= 100
        assert json.loads(metrics.read_text())['crop_sampler'] == 'align'
        assert 'Crops of the people: align' in done.stdout + done.stderr


def test_what_does_not_fit_is_listed_and_nothing_is_written(network, run, tmp_path):
    config, _, released = network
    source, target = tmp_path / 'released.pth', tmp_path / 'converted.pth'
    released = dict(released)
    for key in ('bias', 'weight'):
        del released[f'module.Parsing.ParsingIoU.Output.parsing_iou.{key}']
    released['module.Parsing.extra'] = torch.ones(1)
    released['module.Conv_Body.conv1.weight'] = torch.ones(2, 3, 3, 3)
    torch.save(released, source)
    head, *lines = run(RELEASED, source, target, '--config', config).splitlines()
    assert 'released.pth' in head
    assert lines == [
        '  lacks: iou_head.regressor.weight', '  lacks: iou_head.regressor.bias', '  has left over: Parsing.extra',
        '  has in another shape: backbone.stem.0.weight (2, 3, 3, 3) instead of (32, 3, 3, 3)']
    assert not target.exists()


class Payload:
    def __reduce__(self):
        return os.system, ('touch executed',)


@pytest.mark.parametrize(('content', 'complaint'), [
    (dict(model=Payload()), 'would execute code'),
    (dict(model=[1]), 'state dict'),
    (dict(weight=torch.ones(1)), 'Conv_Body'),
])
def test_other_files_are_refused_in_one_line(network, run, tmp_path, monkeypatch, content, complaint):
    monkeypatch.chdir(tmp_path)
    torch.save(content, tmp_path / 'other.pth')
    line = run(RELEASED, tmp_path / 'other.pth', tmp_path / 'converted.pth', '--config', network[0])
    assert 'other.pth' in line
    assert complaint in line
    assert '\n' not in line
    assert [path.name for path in tmp_path.iterdir()] == ['other.pth']


def test_the_config_is_found_where_the_weights_leave_no_choice():
    tool = runpy.run_path(str(REPO / RELEASED))

    def found(name):
        cfg = Config.fromfile(REPO / 'configs' / name)
        return tool['choose_config'](tool['empty_model'](cfg).state_dict(), 'released.pth')

    _, names = found('qanet/qanet_r101_mhp-v2.py')
    assert names == ['qanet/qanet_r101_mhp-v2.py']
    with pytest.raises(tool['InputError'], match=r'hrnet-w48_cihp\.py.*hrnet-w48_lip\.py, whose classes differ'):
        found('qanet/qanet_hrnet-w48_cihp.py')


def test_weights_that_fit_no_config_are_compared_with_the_nearest():
    tool = runpy.run_path(str(REPO / RELEASED))
    state = tool['empty_model'](Config.fromfile(REPO / 'configs/qanet/qanet_r101_mhp-v2.py')).state_dict()
    del state['backbone.stem.0.weight']
    with pytest.raises(tool['InputError']) as refusal:
        tool['choose_config'](state, 'released.pth')
    assert 'lacks: backbone.stem.0.weight' in str(refusal.value)
    assert 'with qanet/qanet_r101_mhp-v2.py' in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 3


def test_a_backbone_is_converted_for_its_config(network, run, tmp_path, capsys):
    config, model, _ = network
    source, target = tmp_path / 'imagenet.pth', tmp_path / 'backbone.pth'
    numbered = {re.sub(*TO_RELEASED[0], f'backbone.{key}').removeprefix('Conv_Body.').removeprefix('backbone.'): value
                for key, value in model.backbone.state_dict().items()}
    torch.save(dict(numbered, **{'fc.weight': torch.ones(10, 256), 'fc.bias': torch.ones(10)}), source)
    assert run(BACKBONE, config, source, target) is None
    assert 'for ResNetV1c' in capsys.readouterr().out
    cfg = Config.fromfile(config)
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(target))
    fresh = init_model(cfg)
    fresh.backbone.init_cfg = cfg.model.backbone.init_cfg
    fresh.backbone.init_weights()
    assert all(torch.equal(value, model.backbone.state_dict()[key]) for key, value in fresh.backbone.state_dict().items())

    torch.save({key.replace('conv3', 'conv2'): value for key, value in numbered.items()}, source)
    assert 'lacks: stem.6.weight' in run(BACKBONE, config, source, tmp_path / 'other.pth')
    assert not (tmp_path / 'other.pth').exists()


def test_a_checkpoint_is_published(network, run, tmp_path, capsys):
    _, model, _ = network
    source, target = tmp_path / 'epoch_1.pth', tmp_path / 'published.pth'
    meta = dict(cfg=model.cfg.pretty_text, dataset_meta=model.dataset_meta)
    torch.save(dict(state_dict=model.state_dict(), meta=meta, optimizer=dict(state={})), source)
    assert run('tools/misc/publish_model.py', source, target, '--half') is None
    assert 'sha256' in capsys.readouterr().out
    assert set(torch.load(target, weights_only=True)) == {'state_dict', 'meta'}
    del meta['cfg']
    torch.save(dict(state_dict=model.state_dict(), meta=meta), source)
    assert 'meta.cfg is missing' in run('tools/misc/publish_model.py', source, target)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(meta, cfg=model.cfg.pretty_text)), source)
    before = source.read_bytes()
    assert 'would overwrite' in run('tools/misc/publish_model.py', source, source)
    assert source.read_bytes() == before

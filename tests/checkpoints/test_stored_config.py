"""Configs inside checkpoints: what mmengine writes comes back, whatever else builds and executes nothing."""
import collections
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import init_model
from mmqanet.checkpoints.stored_config import MOST_VALUES, building, read_stored_config
from mmqanet.errors import DataError, InputError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
OFF_THE_LIST = 'x.pth: its config is refused (type {!r} in {!r} is not among those that a checkpoint may build); if you '


def read(cfg):
    return read_stored_config(dict(meta=dict(cfg=cfg)), 'x.pth')


def without(node, names):
    """The same config without some entries, wherever they are."""
    if isinstance(node, dict):
        return {key: without(value, names) for key, value in node.items() if key not in names}
    return type(node)(without(item, names) for item in node) if isinstance(node, list | tuple) else node


def test_what_inference_reads_comes_back(small_parser):
    cfg = Config.fromfile(small_parser / 'config.py')
    kept = read(cfg.pretty_text)
    assert 'init_cfg' in cfg.model.backbone
    assert kept.model == without(cfg.model.to_dict(), {'init_cfg'})
    dataset = cfg.test_dataloader.dataset
    assert kept.test_dataloader == dict(dataset=dict(type=dataset.type, pipeline=dataset.pipeline))
    assert kept.default_scope == 'mmqanet'
    assert kept.tta_scales == cfg.tta_scales
    assert set(kept.keys()) == {'model', 'test_dataloader', 'tta_scales', 'default_scope'}


@pytest.mark.parametrize('text', [
    'import os', 'a = __import__("os")', 'a = open("x")', 'a = dict(**{})', 'a = [b for b in ()]', 'a = x.y', 'a = f"{1}"',
    'a, b = 1, 2', 'a = 1 if 1 else 2', 'a = lambda: 0', 'def f(): pass', 'a.b = 1', 'a = dict(1)', 'a = {**{}}', 'a = (',
    'a = -"b"', 'a = "\0"', 'a = ' + '[' * 5000, 'a = ' + '-' * 100_000 + '1', '#' * 1_000_001])
def test_nothing_else_is_read(text):
    with pytest.raises(DataError, match=r'x\.pth: its config is refused'):
        read(f'model = dict(type="QANet")\n{text}')


@pytest.mark.parametrize('kind', [
    'os.system', 'subprocess.call', 'mmengine.put_text', 'evil', 'Evil', 'mmseg.models.FCNHead', 'a b', 'mmengine.BN',
    'mmpretrain.X', 'mmseg.VPD', 'TIMMBackbone', 'mmdet.StrongSORT', 'mmdet.KnowledgeDistillationSingleStageDetector',
    'mmdet.LAD', 'mmdet.Detectron2Wrapper', 'mmseg.CrossEntropyLoss', 'mmdet.BertModel',
    'QANet\n', 'ＱＡＮｅｔ', 'nms', 'RoIAlign', 'LoadImage'])
@pytest.mark.parametrize('written', [lambda cfg: cfg, lambda cfg: Config(cfg).pretty_text])
def test_types_off_the_list_are_refused_by_name(kind, written):
    inside = {'type': 'QANet', 'parts': [dict(head=dict(type=kind))]}
    with pytest.raises(DataError, match=re.escape(OFF_THE_LIST.format(kind, 'head'))):
        read(written(dict(model=inside)))
    with pytest.raises(DataError, match=r'type .* is not among those'):
        read(written(dict(model=dict(type=kind))))


@pytest.mark.parametrize(('place', 'kind'), [
    ('nms', '__import__("os").system("id")'), ('nms', 'FPN'),
    ('roi_layer', 'nms'), ('roi_layer', 'FPN'), ('bbox_coder', 'FPN'), ('norm_cfg', 'AnchorGenerator'), ('pipeline',
    'LoadImageFromFile2'), ('backbone', 'Resize')])
def test_a_type_counts_only_where_it_belongs(place, kind):
    with pytest.raises(DataError, match=f'in {place!r} is not among those'):
        read(dict(default_scope='mmdet', model=dict(type='FCOS', **{place: dict(type=kind)})))


@pytest.mark.parametrize('entry', [
    dict(class_weight_file='x.pkl'), dict(a='/etc/passwd'), dict(a='http://x.y/z'), dict(a=['x.npy']),
    dict(a='open-mmlab://x'),
    dict(_scope_='evil'), dict(_delete_=True), {1: 2}, {'a': {('b',): 1}}, dict(a=b'x'), dict(a={1, 2}), dict(a=1j),
    dict(a=np.float64(1)), dict(a=np.array([1])), dict(a=torch.ones(1)), dict(a=collections.UserDict(type='Evil')),
    dict(a=collections.OrderedDict(type='Evil')), dict(a=collections.deque([1])),
    dict(a=np.array([dict(type='Evil')], dtype=object)), dict(a=range(3)), dict(a=(i for i in ())), dict(type=dict),
    dict(a=dict(type=Config))])
def test_only_plain_data_and_known_words_pass(entry):
    with pytest.raises(DataError, match=r'x\.pth: its config is refused .*; if you trust its author, give the config as'):
        read(dict(model={'type': 'QANet', **entry}))


def test_what_only_training_reads_is_left_out():
    kept = read(dict(model=dict(type='QANet', head=dict(
        type='IoUHead', in_channels=8, init_cfg=dict(type='Pretrained', checkpoint='evil.pth'), pretrained='evil.pth',
        train_cfg=dict(assigner=dict(type='Evil')), class_weight='x.pkl', init=None))))
    assert kept.model == dict(type='QANet', head=dict(type='IoUHead', in_channels=8, init=None))


def test_of_the_data_set_its_classes_and_steps_are_read():
    dataset = dict(type='CocoDataset', data_root='/', ann_file='/etc/passwd', metainfo=dict(classes=('person', 'any name')))
    dataset['pipeline'] = [
        dict(type='LoadImageFromFile', backend_args=dict(backend='evil')), dict(type='mmqanet.LoadImage'),
        dict(type='Resize', scale=(4, 4), keep_ratio=True), dict(type='PackDetInputs', meta_keys=('img_id', 'scale_factor'))]
    stored = dict(default_scope='mmdet', test_dataloader=dict(batch_size=1, sampler=dict(type='Evil'), dataset=dataset))
    assert read(stored).test_dataloader.dataset == dict(
        type='CocoDataset', metainfo=dict(classes=('person', 'any name')), pipeline=dataset['pipeline'][1:])
    stored['test_dataloader']['dataset'] = dict(type='RepeatDataset', times=2, dataset=dataset)
    assert read(stored).test_dataloader.dataset.dataset.type == 'CocoDataset'
    for fault in (dict(metainfo=dict(classes='names.txt')), dict(type='EvilDataset'), dict(pipeline=[dict(scale=1)]),
                  dict(pipeline=[dict(type='LoadMultiChannelImageFromFiles')]), dict(metainfo=[1]), dict(pipeline=3)):
        with pytest.raises(DataError, match=r'x\.pth: its config is refused'):
            read(dict(default_scope='mmdet', test_dataloader=dict(dataset={**dataset, **fault})))


@pytest.mark.parametrize('scope', ['evil', 'mmengine', 'os', 'mmqanet.evil', 3, ['mmqanet']])
def test_only_sister_packages_are_a_scope(scope):
    with pytest.raises(DataError, match=r'default_scope .* is none of mmqanet, mmseg, mmdet'):
        read(dict(default_scope=scope, model=dict(type='QANet')))


def test_what_inherits_from_a_sister_keeps_its_scope():
    inner = dict(_scope_='mmdet', type='FPN', in_channels=[8], out_channels=8, num_outs=1)
    assert read(dict(model=dict(type='QANet', neck=inner))).model.neck == inner
    for scope in ('evil', 'mmengine', 3, ['mmdet']):
        with pytest.raises(DataError, match=r'_scope_ .* is none of mmqanet, mmseg, mmdet'):
            read(dict(model=dict(type='QANet', neck=dict(inner, _scope_=scope))))
    for place, kind in ((dict(_scope_='mmdet'), 'QANet'), ({}, 'FCOSHead')):  # a plain name counts in its own scope alone
        with pytest.raises(DataError, match='is not among those'):
            read(dict(model=dict(type='QANet', a=dict(inner), b=dict(type=kind, **place))))


@pytest.mark.parametrize('path', sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts),
                         ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_checkpoint_of_every_config_may_carry_it(path):
    if path.name == 'mask2former_r50_coco.py':
        pytest.skip('its transformer is not on the list')
    if path.parent.name == 'instance_segmentation':
        pytest.importorskip('mmdet')
    cfg = Config.fromfile(path)
    text = '\n'.join(f'{key} = {value!r}' for key, value in cfg.to_dict().items())
    assert read(text).model.type == cfg.model.type


def test_a_config_that_multiplies_is_refused():
    node = [0]
    for _ in range(40):
        node = [node, node]
    with pytest.raises(DataError, match=f'more than {MOST_VALUES} values'):
        read(dict(model=dict(type='QANet', a=node)))
    loop = dict(type='QANet')
    loop['a'] = loop
    with pytest.raises(DataError, match=r'config is refused'):
        read(dict(model=loop))


@pytest.mark.parametrize('stored', [3, ['model'], dict(model=3), dict(model=dict()), dict(test_dataloader=[1]),
                                    dict(test_dataloader=dict()), 'model = 3'])
def test_a_config_of_another_form_is_refused(stored):
    with pytest.raises(DataError, match=r'x\.pth: its config is refused'):
        read(stored)


def test_what_constructors_raise_is_a_fault_of_the_file(small_parser, tmp_path):
    with pytest.raises(DataError, match=r"x\.pth: no network can be built from its config \('depth'\)"), building('x.pth'):
        {}['depth']
    content = torch.load(small_parser / 'weights.pth', weights_only=True)
    faults = ('depth=18', 'depth=7'), ('num_classes=20', 'num_classes=-3'), ("type='IoUHead'", "type='IoUHead', more=3")
    for old, new in faults:
        changed = dict(content, meta=dict(content['meta'], cfg=content['meta']['cfg'].replace(old, new)))
        assert changed['meta']['cfg'] != content['meta']['cfg'], old
        torch.save(changed, tmp_path / 'odd.pth')
        with pytest.raises(DataError, match=r'odd\.pth: no network can be built from its config \(.+\)'):
            init_model(None, tmp_path / 'odd.pth')


def test_a_checkpoint_alone_is_a_model(small_parser, tmp_path):
    weights = small_parser / 'weights.pth'
    alone, both = init_model(None, weights), init_model(small_parser / 'config.py', weights)
    assert all(torch.equal(a, b) for a, b in zip(alone.state_dict().values(), both.state_dict().values()))
    assert alone.dataset_meta == both.dataset_meta
    content = torch.load(weights, weights_only=True)
    content['meta']['cfg'] = Config.fromfile(small_parser / 'config.py').to_dict()
    torch.save(content, tmp_path / 'dict.pth')
    assert init_model(None, tmp_path / 'dict.pth').dataset_meta == both.dataset_meta
    del content['meta']
    torch.save(content, tmp_path / 'bare.pth')
    with pytest.raises(InputError, match=r'bare\.pth: this checkpoint carries no config'):
        init_model(None, tmp_path / 'bare.pth')
    with pytest.raises(InputError, match='neither a config nor a checkpoint'):
        init_model(None)


def test_the_detectors_of_mmdet_may_still_carry_their_config():
    folder = pytest.importorskip('mmdet').__path__[0] + '/.mim/configs/'
    for name in ('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco', 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
                 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco', 'rtmdet/rtmdet_s_8xb32-300e_coco', 'yolox/yolox_s_8xb8-300e_coco'):
        kept = read(Config.fromfile(f'{folder}{name}.py').pretty_text)
        assert kept.default_scope == 'mmdet'
        assert kept.test_dataloader.dataset.pipeline[-1].type == 'PackDetInputs'

"""Configs: what they are for, and what command lines make of them."""
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmqanet.apis import init_model
from mmqanet.engine.changes import (
    export_detections,
    prepare_config,
    resume_from,
    set_test_options,
    show_predictions,
    use_mixed_precision,
    use_test_time_augmentation,
)
from mmqanet.engine.config import Task, check_classes, dataset_of, inner_datasets, read_config, task_of
from mmqanet.engine.crop_options import use_test_crops
from mmqanet.errors import InputError
from mmqanet.models import BaseParser
from mmqanet.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CONFIG = CONFIGS / 'qanet/qanet_r50_cihp.py'
DETECTOR = CONFIGS / 'detection/fcos_r50_person_cihp.py'


def prepared(**changes):
    cfg = Config.fromfile(CONFIG)
    prepare_config(cfg, **{**dict(name='some', work_dir=None, launcher='none', overrides=None), **changes})
    return cfg


def test_work_dir_and_overrides(tmp_path):
    assert prepared().work_dir == 'work_dirs/some'
    cfg = prepared(work_dir=str(tmp_path), overrides={'train_cfg.max_epochs': 3})
    assert cfg.work_dir == str(tmp_path)
    assert cfg.train_cfg.max_epochs == 3
    assert prepared(overrides={'work_dir': 'of/the/config'}).work_dir == 'of/the/config'
    assert prepared(work_dir=str(tmp_path), overrides={'work_dir': 'of/the/config'}).work_dir == str(tmp_path)


def test_a_config_is_not_dumped_over_itself(tmp_path):
    given = tmp_path / 'mine.py'
    given.write_text(f"_base_ = '{CONFIGS}/toy/qanet_r18_toy.py'  # short\n")
    text = given.read_text()
    for work_dir, kept in ((tmp_path / 'else', given), (tmp_path, None)):
        cfg = Config.fromfile(given)
        prepare_config(cfg, name='mine', work_dir=str(work_dir), launcher='none', overrides=None)
        assert cfg.filename == (str(kept) if kept else None)
        runner = Runner(torch.nn.Linear(1, 1), str(work_dir), cfg=cfg, experiment_name=cfg.get('experiment_name'))
        runner.dump_config()
        assert runner.experiment_name.startswith('mine_')
    assert given.read_text() == text
    assert (tmp_path / 'else/mine.py').exists()
    assert len(list(tmp_path.glob('2*.py'))) == 1


def test_without_a_gpu_processes_talk_over_gloo(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert prepared().env_cfg.dist_cfg.backend == 'gloo'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert prepared().env_cfg.dist_cfg.backend == 'nccl'


def test_without_a_gpu_synchronised_norms_become_plain_ones(monkeypatch):
    sync = {'model.backbone.norm_cfg': dict(type='SyncBN', requires_grad=True), 'model.neck.1.norm_cfg.type': 'SyncBN'}
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = prepared(overrides=sync)
    assert cfg.model.backbone.norm_cfg == dict(type='BN', requires_grad=True)
    assert cfg.model.neck[1].norm_cfg.type == 'BN'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert prepared(overrides=sync).model.backbone.norm_cfg.type == 'SyncBN'


def test_resume_auto_starts_at_the_beginning_of_an_empty_folder(tmp_path):
    cfg = prepared(work_dir=str(tmp_path))
    resume_from(cfg, 'auto')
    assert not cfg.resume
    hub = dict(log_scalars={}, runtime_info={}, resumed_keys={})
    meta = dict(epoch=2, iter=8)
    torch.save(dict(state_dict={}, optimizer={}, message_hub=hub, meta=meta), tmp_path / 'epoch_2.pth')
    resume_from(cfg, 'auto')
    assert cfg.resume
    assert cfg.load_from == str(tmp_path / 'epoch_2.pth')


def test_tta_turns_on_flip_and_scales():
    cfg = prepared(overrides={'model.flip_test': False})
    cfg.tta_scales = (0.9, 1.1)
    use_test_time_augmentation(cfg)
    assert cfg.model.flip_test
    assert [step.scales for step in cfg.test_dataloader.dataset.pipeline if step.type == 'BoxesToCrops'] == [(0.9, 1.1)]


def test_a_head_with_another_number_of_classes_is_refused():
    with pytest.raises(InputError, match='num_classes is 7, but train_dataloader has 20 classes'):
        prepared(overrides={'model.parsing_head.num_classes': 7})


@pytest.mark.parametrize('head', [None, {}])
def test_a_model_without_a_number_of_classes_is_refused(head):
    cfg = Config(dict(model=dict(type='QANet', parsing_head=head)))
    with pytest.raises(InputError, match='a QANet that does not say its number of classes'):
        check_classes(cfg)


def test_classes_are_compared_inside_of_wrappers():
    cfg = Config.fromfile(CONFIG)
    right, wrong = dict(cfg.train_dataloader.dataset), dict(type='ATRDataset')
    cfg.train_dataloader.dataset = dict(
        type='ConcatDataset', datasets=[dict(type='RepeatDataset', times=2, dataset=right), dict(right)])
    check_classes(cfg)
    cfg.train_dataloader.dataset.datasets[0].dataset = wrong
    with pytest.raises(InputError, match='num_classes is 20, but train_dataloader has 18 classes'):
        check_classes(cfg)


class OtherParser(BaseParser):
    """A parser that has nothing in common with the top-down one."""

    @classmethod
    def classes_in(cls, model):
        return model['labels']

    @classmethod
    def set_test_options(cls, model, *, flip=None, max_batch=None):
        model.update(mirror=flip, images_at_once=max_batch)


@pytest.fixture
def other_parser():
    """A config of it, with the data of another one."""
    MODELS.register_module(module=OtherParser, force=True)
    cfg = Config.fromfile(CONFIG)
    cfg.model = dict(type='OtherParser', labels=20)
    yield cfg
    MODELS._module_dict.pop('OtherParser')


def test_the_task_of_a_config_is_told_by_its_class(other_parser):
    cfg = Config.fromfile(CONFIG)
    assert task_of(cfg) is task_of(other_parser) is Task.PARSING
    cfg.model.type = 'TopdownParser'
    assert task_of(cfg) is Task.PARSING
    cfg.model = dict(type='EncoderDecoder', parsing_head=dict(num_classes=20))
    assert task_of(cfg) is Task.OTHER
    with pytest.raises(InputError, match=r'--show-dir: .* EncoderDecoder'):
        show_predictions(cfg, 'shown')
    cfg.model.type = 'QANnet'
    with pytest.raises(InputError, match="'QANnet', but no such model"):
        task_of(cfg)


def test_a_parser_in_the_scope_of_mmdet_is_one(other_parser):
    """As a parser made of mmdet's parts is written: their names are plain, its own has a prefix."""
    pytest.importorskip('mmdet')
    assert task_of(Config.fromfile(DETECTOR)) is Task.DETECTION
    other_parser.default_scope = 'mmdet'
    other_parser.model.type = 'mmqanet.OtherParser'
    assert task_of(other_parser) is Task.PARSING
    other_parser.model.type = 'FCOS'
    assert task_of(other_parser) is Task.DETECTION


def test_another_parser_says_itself_what_its_config_means(other_parser):
    check_classes(other_parser)
    set_test_options(other_parser, flip=True, max_batch=3)
    assert (other_parser.model.mirror, other_parser.model.images_at_once) == (True, 3)
    show_predictions(other_parser, 'shown')
    assert other_parser.default_hooks.visualization == dict(type='mmqanet.ParsingVisualizationHook', out_dir='shown')
    other_parser.model.labels = 7
    with pytest.raises(InputError, match='num_classes is 7, but train_dataloader has 20 classes'):
        check_classes(other_parser)


def test_scales_need_a_pipeline_that_takes_them():
    cfg = prepared()
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[dict(cfg.test_dataloader.dataset)])
    set_test_options(cfg, scales=(0.9, 1.1))
    inner, = inner_datasets(cfg.test_dataloader.dataset)
    assert [step.scales for step in inner.pipeline if 'scales' in step] == [(0.9, 1.1)]
    inner.pipeline = [step for step in inner.pipeline if step.type != 'BoxesToCrops']
    set_test_options(cfg, scales=(1.0,))
    with pytest.raises(InputError, match='no step of the test pipeline takes any'):
        set_test_options(cfg, scales=(0.9, 1.1))


def test_a_detector_writes_detections_and_a_parser_does_not():
    pytest.importorskip('mmdet')
    cfg = Config.fromfile(DETECTOR)
    prepare_config(cfg, name='some', work_dir=None, launcher='none', overrides=None)
    export_detections(cfg, 'found.json')
    assert [metric.type for metric in cfg.test_evaluator] == ['CocoMetric', 'mmqanet.DetectionFile']
    show_predictions(cfg, 'shown')
    assert cfg.default_hooks.visualization == dict(
        type='mmdet.DetVisualizationHook', draw=True, test_out_dir=str(Path('shown').absolute()))
    with pytest.raises(InputError, match='--tta'):
        use_test_time_augmentation(cfg)
    with pytest.raises(InputError, match='--detections'):
        export_detections(prepared(), 'found.json')


def test_a_detector_without_mmdet_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmcv.ops', None)
    with pytest.raises(InputError, match=r"needs mmdet, .* pip install '\.\[detection\]'"):
        prepare_config(Config.fromfile(DETECTOR), name='some', work_dir=None, launcher='none', overrides=None)


def test_mixed_precision_without_a_gpu_is_refused(monkeypatch):
    cfg = prepared()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(InputError, match='--amp'):
        use_mixed_precision(cfg)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    use_mixed_precision(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'


def test_a_config_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r'none\.py: no such config'):
        read_config('none.py')


def test_metrics_can_be_chosen_in_a_config():
    cfg = Config.fromfile(CONFIGS / 'qanet/qanet_r50_mhp-v2.py')
    assert cfg.val_evaluator.metrics == ('mIoU', 'APp', 'PCP')
    prepare_config(cfg, name='mhp', work_dir=None, launcher='none', overrides={'test_evaluator.metrics': ['mIoU', 'mBIoU']})
    with DefaultScope.overwrite_default_scope('mmqanet'):
        for evaluator, metrics in ((cfg.val_evaluator, ('mIoU', 'APp', 'PCP')), (cfg.test_evaluator, ('mIoU', 'mBIoU'))):
            metric, = Runner.build_evaluator(None, evaluator).metrics
            assert metric.metrics == metrics


def test_an_evaluator_of_several_metrics_stays():
    evaluator = dict(type='Evaluator', metrics=[dict(type='SingleHumanParsingMetric')])
    cfg = Config.fromfile(CONFIG)
    cfg.val_evaluator = evaluator
    prepare_config(cfg, name='some', work_dir=None, launcher='none', overrides=None)
    assert cfg.val_evaluator == evaluator


@pytest.mark.parametrize(('loader', 'others'), [
    ('val_dataloader', ['val_cfg', 'val_evaluator']), ('test_dataloader', ['test_cfg', 'test_evaluator']),
    ('train_dataloader', ['train_cfg', 'optim_wrapper', 'param_scheduler'])])
def test_a_loader_of_none_takes_its_companions_along(loader, others):
    cfg = prepared(overrides={loader: None})
    assert [cfg[other] for other in others] == [None] * len(others)
    with pytest.raises(InputError, match=f'{loader}: the config has none'):
        dataset_of(cfg, loader)
    if loader == 'test_dataloader':
        for use in (use_test_time_augmentation, use_test_crops, init_model):
            with pytest.raises(InputError, match='test_dataloader'):
                use(cfg)


def test_no_workers_can_be_said_alone():
    cfg = prepared(overrides={'train_dataloader.num_workers': 0, 'train_dataloader.prefetch_factor': 4})
    loader = Runner.build_dataloader(dict(
        num_workers=cfg.train_dataloader.num_workers, persistent_workers=cfg.train_dataloader.persistent_workers,
        batch_size=1, dataset=[1, 2], sampler=dict(type='DefaultSampler', shuffle=False)))
    assert list(loader) == [[1], [2]]
    assert 'prefetch_factor' not in cfg.train_dataloader
    assert prepared().train_dataloader.persistent_workers


@pytest.mark.parametrize(('config', 'loader'), [(CONFIG, 'val_dataloader'), (DETECTOR, 'train_dataloader')])
def test_classes_given_as_a_string_are_refused(config, loader):
    cfg = Config.fromfile(config)
    cfg[loader].dataset.metainfo = dict(classes=('person'))
    with pytest.raises(InputError, match=rf"{loader}: metainfo\.classes is the string 'person'; .* is \('person',\)"):
        check_classes(cfg)

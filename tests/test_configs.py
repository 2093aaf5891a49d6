"""Every config trains and tests on a tiny set of its own classes; the paper's networks have the paper's sizes."""
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from PIL import Image

from mmqanet.engine.config import inner_datasets
from mmqanet.preparation.converters.atr import ATRConverter
from mmqanet.preparation.converters.cihp import CIHPConverter
from mmqanet.preparation.converters.lip import LIPConverter
from mmqanet.preparation.converters.mhp_v2 import MHPv2Converter
from mmqanet.preparation.converters.pascal_person_part import PascalPersonPartConverter
from mmqanet.preparation.converters.prepared import write_coco_json, write_sample
from mmqanet.registry import DATASETS, METRICS, MODELS

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
PARSERS = sorted(
    str(path.relative_to(CONFIGS)) for path in CONFIGS.rglob('*.py')
    if not {'_base_', 'densepose', 'detection', 'instance_segmentation', 'parsing_rcnn', 'rp_rcnn'} & set(path.parts))


def load(name: str | Path) -> Config:
    cfg = Config.fromfile(CONFIGS / name)
    cfg.model.backbone.init_cfg = None
    return cfg


def build(cfg: Config, device: str = 'cpu'):
    with DefaultScope.overwrite_default_scope('mmqanet'), torch.device(device):
        return MODELS.build(cfg.model)


def crop_of(dataset: Config) -> Config:
    step, = (step for step in dataset.pipeline if step.type == 'BoxesToCrops')
    return step


def fill(root: Path, dataset: Config) -> None:
    """Two people of random labels, where ``dataset`` (its config) will look for its pictures, maps and JSON."""
    rng = np.random.default_rng(0)
    num_classes = len(DATASETS.get(dataset.type).METAINFO['classes'])
    human = np.zeros((60, 80), np.uint8)
    human[5:55, 5:35], human[10:50, 45:75] = 1, 2
    category = np.where(human > 0, rng.integers(1, num_classes, human.shape), 0)
    picture = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(picture, format='JPEG')
    people = write_sample(
        root / Path(dataset.data_prefix.img).parent, 'one', image=picture.getvalue(), category=category, human=human,
        num_classes=num_classes)
    if 'human' not in dataset.data_prefix:
        people = [dict(people[0], bbox=[0, 0, 80, 60])] * 2
    write_coco_json(root / dataset.ann_file, [dict(file_name='one.jpg', height=60, width=80)], [people])


@pytest.mark.parametrize('name', PARSERS)
def test_a_training_step_and_a_test_step(name, tmp_path):
    cfg = load(name)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for dataset in inner_datasets(loader.dataset):
            fill(tmp_path, dataset)
            dataset.data_root = str(tmp_path)
            crop_of(dataset).input_size = (32, 64)  # the least that 32 divides
    torch.manual_seed(0)
    model = build(cfg)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        people, images = DATASETS.build(cfg.train_dataloader.dataset), DATASETS.build(cfg.test_dataloader.dataset)
        wrapper, metric = build_optim_wrapper(model, cfg.optim_wrapper), METRICS.build(cfg.test_evaluator)

    before = model.parsing_head.classifier.weight.clone()
    assert len(people) >= 2
    losses = model.train().train_step(pseudo_collate([people[0], people[1]]), wrapper)
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert not torch.equal(model.parsing_head.classifier.weight, before)

    metric.dataset_meta = images.metainfo
    batch = pseudo_collate([images[0]])
    metric.process(batch, [sample.to_dict() for sample in model.eval().test_step(batch)])
    scores = metric.evaluate(1)
    assert 0 <= scores['mIoU'] <= 100


@pytest.mark.parametrize(('name', 'count'), {
    'qanet/qanet_r50_cihp.py': 31_471_733,
    'qanet/qanet_r101_mhp-v2.py': 50_473_884,
    'qanet/qanet_hrnet-w48_cihp.py': 69_222_741,
    'qanet/qanet_hrnet-w48_lip-544x416.py': 72_415_957,
    'qanet/qanet_hrnet-w48_mhp-v2-544x416.py': 72_430_972,
    'simplenet/simplenet_r50_cihp-256x192.py': 34_019_700,
}.items())
def test_parameter_counts(name, count):
    assert sum(p.numel() for p in build(load(name), 'meta').parameters()) == count


# Table 3 from top to bottom: semantic FPN, Lovász, IoU head, crop, quality weights (protocol of the release).
LADDER = {
    'simplenet/simplenet_r50_cihp-256x192.py': (False, False, False, (192, 256), (1, 0, 0)),
    'simplenet/simplenet_r50-sfpn_cihp-256x192.py': (True, False, False, (192, 256), (1, 0, 0)),
    'simplenet/simplenet_r50-sfpn-lovasz_cihp-256x192.py': (True, True, False, (192, 256), (1, 0, 0)),
    'simplenet/simplenet_r50-sfpn-lovasz-iou_cihp-256x192.py': (True, True, True, (192, 256), (1, 1, 0)),
    'simplenet/simplenet_r50-sfpn-lovasz-iou_cihp-512x384.py': (True, True, True, (384, 512), (1, 1, 0)),
    'qanet/qanet_r50_cihp.py': (True, True, True, (384, 512), (1, 0.5, 3)),
}


@pytest.mark.parametrize(('name', 'row'), LADDER.items())
def test_the_ladder_from_simplenet_to_qanet(name, row):
    cfg = load(name)
    model = build(cfg, 'meta')
    semantic_fpn = any(type(module).__name__ == 'SemanticFPN' for module in model.neck.modules())
    loaders = cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader
    sizes = {crop_of(loader.dataset).input_size for loader in loaders}
    assert len(sizes) == 1
    assert row == (
        semantic_fpn, model.parsing_head.loss_lovasz is not None, model.iou_head is not None, *sizes,
        tuple(cfg.model.postprocessor.quality_weights))


def test_the_paper_s_recipe_is_that_of_all_its_configs():
    """Whatever data set or backbone: Adam, no weight decay, 2e-3 at 256 crops, tenths at 90 and 120 of 140, flip test."""
    names = [name for name in PARSERS if name.startswith(('qanet/', 'simplenet/'))]
    assert len(names) == 25
    for name in names:
        cfg = load(name)
        assert cfg.optim_wrapper.optimizer.to_dict() == dict(type='Adam', lr=2e-3), name
        assert (cfg.param_scheduler[0].milestones, cfg.train_cfg.max_epochs) == ([90, 120], 140), name
        assert cfg.auto_scale_lr.base_batch_size == 256, name
        assert cfg.model.flip_test, name
        augmentation = [step for step in cfg.train_dataloader.dataset.pipeline if step.type.startswith('RandomCrop')]
        assert [step.to_dict() for step in augmentation] == [
            dict(type='RandomCropScale'), dict(type='RandomCropRotation'), dict(type='RandomCropFlip')], name


@pytest.mark.parametrize(('name', 'converter'), {
    'qanet/qanet_r50_cihp.py': CIHPConverter,
    'qanet/qanet_r50_mhp-v2.py': MHPv2Converter,
    'qanet/qanet_r50_pascal-person-part.py': PascalPersonPartConverter,
    'qanet/qanet_hrnet-w48_lip.py': LIPConverter,
    'qanet/qanet_r50_atr.py': ATRConverter,
}.items())
def test_the_data_is_read_where_its_converter_writes_it(name, converter):
    cfg, made = load(name), converter(source=Path('archive'))
    written = {(split.folder, made.json_path(Path(), split).as_posix()) for split in made.splits if split.labelled}
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        folders = {Path(prefix).parts[0] for prefix in loader.dataset.data_prefix.values()}
        assert {(folder, loader.dataset.ann_file) for folder in folders} <= written
        assert len(folders) == 1
    assert cfg.train_dataloader.dataset.ann_file != cfg.test_dataloader.dataset.ann_file


@pytest.mark.parametrize(('heading', 'name', 'entries'), [
    ('Other backbones', 'backbones/qanet_swin-t_cihp.py', ['model']),
    ('Crops of another size', 'simplenet/simplenet_r50-sfpn-lovasz-iou_cihp-256x192.py',
     ['train_dataloader', 'val_dataloader', 'test_dataloader']),
])
def test_changes_are_as_short_as_documented(tmp_path, heading, name, entries):
    page = (CONFIGS.parent / 'docs/training.md').read_text(encoding='utf-8')
    block = re.search(rf'## {heading}\n.*?```python\n(.*?)```', page, flags=re.DOTALL)[1]
    mine = tmp_path / 'mine.py'
    mine.write_text(f"_base_ = '{CONFIGS}/qanet/qanet_r50_cihp.py'\n{block}")
    documented, shipped = load(mine), load(name)
    assert [documented[entry] for entry in entries] == [shipped[entry] for entry in entries]

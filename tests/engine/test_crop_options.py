"""Who decides how crops are resampled when testing."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import inference_topdown, init_model
from mmqanet.datasets.transforms.crop import align, warp
from mmqanet.engine.crop_options import CropOptions, use_test_crops
from mmqanet.errors import InputError

CONFIG = Path(__file__).resolve().parents[2] / 'configs/toy/qanet_r18_toy.py'


def toy(sampler: str | None = None) -> Config:
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]})
    if sampler:
        for step in cfg.test_dataloader.dataset.pipeline:
            if step.type == 'WarpCrops':
                step.sampler = sampler
    return cfg


@pytest.mark.parametrize(('asked', 'written', 'stored', 'used'), [
    (None, None, None, 'warp'),
    (None, None, 'align', 'align'),
    (None, 'warp', 'align', 'warp'),
    (None, 'align', None, 'align'),
    ('align', 'warp', 'warp', 'align'),
    ('warp', None, 'align', 'warp'),
])
def test_the_user_comes_before_the_config_and_that_before_the_checkpoint(tmp_path, asked, written, stored, used):
    cfg = toy(written)
    torch.save(dict(state_dict=init_model(cfg).state_dict(), meta=dict(crop_sampler=stored) if stored else {}),
               tmp_path / 'weights.pth')
    model = init_model(cfg, tmp_path / 'weights.pth', crop=asked)
    image = np.random.default_rng(0).integers(0, 256, (700, 500, 3), dtype=np.uint8)
    packed = model.pipeline(dict(
        img=image, bboxes=np.array([[20, 20, 480, 680]], np.float32), bbox_scores=np.ones(1, np.float32), flip_pairs=()))
    crop, = packed['data_samples'].crops
    ways = {name: way(image, crop) for name, way in (('warp', warp), ('align', align))}
    assert (ways['warp'] != ways['align']).any()
    assert (packed['inputs'][0].permute(1, 2, 0).numpy() == ways[used]).all()
    sample, = inference_topdown(model, [image], [[[20, 20, 480, 680]]])
    assert sample.crop_sampler == used


@pytest.mark.parametrize(('text', 'options'), [
    (None, CropOptions()),
    ('auto', CropOptions(sampler='auto')),
    ('1024x768', CropOptions(size=(768, 1024))),
    ('64x32,align', CropOptions(sampler='align', size=(32, 64))),
    ('warp,64x32', CropOptions(sampler='warp', size=(32, 64))),
])
def test_what_a_user_may_ask_for(text, options):
    assert CropOptions.read(text) == options


@pytest.mark.parametrize(('text', 'message'), [
    ('area', "crop is 'area', but must be one of warp, align, auto, a size as HEIGHTxWIDTH"),
    ('', "crop is ''"),
    ('align,warp', 'must be one of'),
    ('64x64,32x32', 'must be one of'),
    ('100x64', 'sides must be multiples of 32 up to 4096'),
    ('0x32', 'multiples of 32'),
    ('8192x64', 'multiples of 32'),
])
def test_what_cannot_be_asked_for(text, message):
    with pytest.raises(InputError, match=message):
        CropOptions.read(text)


def test_crops_of_another_size_pass_the_same_network():
    model = init_model(toy(), crop='128x96,align')
    image = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    packed = model.pipeline(dict(
        img=image, bboxes=np.array([[20, 20, 180, 280]], np.float32), bbox_scores=np.ones(1, np.float32), flip_pairs=()))
    assert packed['inputs'].shape == (1, 3, 128, 96)
    assert packed['data_samples'].crops[0].output_size == (96, 128)
    sample, = inference_topdown(model, [image], [[[20, 20, 180, 280]]])
    assert sample.crop_sampler == 'align'
    assert sample.pred_maps.category.shape == (1, 300, 200)


def test_all_joined_test_sets_are_told():
    cfg = toy()
    inner = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[inner, inner.copy()])
    assert use_test_crops(cfg, asked='align') == 'align'
    samplers = [step.sampler for dataset in cfg.test_dataloader.dataset.datasets for step in dataset.pipeline
                if step.type == 'WarpCrops']
    assert samplers == ['align', 'align']


def test_a_config_without_crops_cannot_be_asked_for_them():
    cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=[dict(type='LoadImage')]))))
    assert use_test_crops(cfg, stored='align') is None
    with pytest.raises(InputError, match=r'--crop align: .*cuts no crops'):
        use_test_crops(cfg, asked='align')

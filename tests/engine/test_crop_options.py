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
    ('refine', CropOptions(finer=2.0)),
    ('refine=3.5,auto', CropOptions(sampler='auto', finer=3.5)),
])
def test_what_a_user_may_ask_for(text, options):
    assert CropOptions.read(text) == options


@pytest.mark.parametrize(('text', 'message'), [
    ('area', "crop is 'area', but must be made of one of warp, align, auto, a size"),
    ('', "crop is ''"),
    ('align,warp', 'must be made of'),
    ('64x64,32x32', 'must be made of'),
    ('refine,refine', 'must be made of'),
    ('refine=1', 'factor must be above 1 and at most 16'),
    ('refine=99', 'factor must be above 1 and at most 16'),
    ('refine=nan', 'must be made of'),
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


def test_people_much_larger_than_their_crop_are_looked_at_again_in_tiles():
    torch.manual_seed(7)  # some random networks see one class everywhere
    cfg = toy()
    model = init_model(cfg, crop='64x64,auto,refine')
    step = next(step for step in cfg.test_dataloader.dataset.pipeline if step.type == 'BoxesToCrops')
    assert step.input_size == (64, 64)
    image = np.random.default_rng(0).integers(0, 256, (400, 300, 3), dtype=np.uint8)
    boxes = np.array([[20, 20, 280, 380], [0, 0, 60, 60]], np.float32)  # zooms of 7.0 and 1.2
    packed = model.pipeline(dict(img=image, bboxes=boxes, bbox_scores=np.ones(2, np.float32), flip_pairs=()))
    sample = packed['data_samples']
    near = sample.crops[1:-1]
    assert sample.tiles == [len(near), 0]
    assert all(crop.size[0] == sample.crops[0].size[0] / 2 for crop in near)
    assert min(crop.window[0] for crop in near) <= 20
    assert max(crop.window[3] for crop in near) >= 380
    torch.nn.init.normal_(model.parsing_head.classifier.weight, std=30)
    twice, = inference_topdown(model, [image], [boxes])
    plain = init_model(toy(), crop='64x64,auto')
    plain.load_state_dict(model.state_dict())
    once, = inference_topdown(plain, [image], [boxes])
    once, twice = once.pred_instances, twice.pred_instances
    torch.testing.assert_close(once.iou_scores, twice.iou_scores)
    same = [(a == b).float().mean() for a, b in zip(once.label_maps, twice.label_maps)]
    assert same[0] < 0.99 < same[1]
    assert once.pixel_scores[1] == pytest.approx(float(twice.pixel_scores[1]), abs=1e-4)


def test_a_parser_of_another_kind_looks_once():
    cfg = Config.fromfile(CONFIG.parents[1] / 'densepose/qanet_r18_toy-densepose.py')
    with pytest.raises(InputError, match='crop refine: a DensePoseParser looks at people once'):
        use_test_crops(cfg, asked='refine')


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

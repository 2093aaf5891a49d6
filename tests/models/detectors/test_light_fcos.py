"""The light FCOS on plain torch: the numbers of mmdet's detector, its suppression, and what it leaves to mmdet."""
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import DefaultScope

from mmqanet.models.detectors.light_fcos import LightFCOS, is_light_fcos, suppress
from mmqanet.utils.threads import parallel_map

CONFIG = Path(__file__).resolve().parents[3] / 'configs/detection/fcos_efficientnet-lite0_person_crowds.py'


@pytest.fixture
def model_cfg():
    return Config.fromfile(CONFIG).model


def randomize(model):
    """Parameters with which every layer matters, scores spread over (0, 1) and boxes overlap."""
    random = torch.Generator().manual_seed(0)
    state = {}
    for name, value in model.state_dict().items():
        if name.endswith('running_var'):
            state[name] = 1 + torch.rand(value.shape, generator=random)
        elif value.is_floating_point():
            spread = 1 / max(value[0].numel(), 1) ** 0.5 if value.ndim > 1 else 0.3
            state[name] = torch.randn(value.shape, generator=random) * spread + (value.ndim == 1 and 'weight' in name)
        else:
            state[name] = value
    for level, scale in enumerate((1.0, 1.2, 0.8)):
        state[f'bbox_head.scales.{level}.scale'] = torch.tensor(scale)
    state['bbox_head.conv_reg.weight'] *= 2
    state['bbox_head.conv_reg.bias'] = torch.tensor([2.0, 1.0, 2.5, 1.5])
    state['bbox_head.conv_cls.weight'] *= 3
    state['bbox_head.conv_cls.bias'] = torch.tensor([-2.0])
    return state


@pytest.mark.parametrize('test_cfg', [
    {}, dict(score_thr=0.6), dict(nms=dict(type='nms', iou_threshold=0.35)), dict(score_thr=0.9999)])
@pytest.mark.parametrize(('height', 'width'), [(96, 128), (101, 77), (384, 250)])
def test_it_finds_what_mmdet_finds(model_cfg, height, width, test_cfg):
    pytest.importorskip('mmdet.models')
    from mmdet.structures import DetDataSample
    model_cfg.backbone.init_cfg = None
    model_cfg.data_preprocessor.update(mean=[100.0, 120.0, 140.0], std=[110.0, 128.0, 150.0])
    model_cfg.test_cfg.update(dict(nms_pre=60, max_per_img=40) | test_cfg)
    assert is_light_fcos(model_cfg)
    with DefaultScope.overwrite_default_scope('mmdet'):
        theirs = MMENGINE_MODELS.build(model_cfg).eval()
        ours = LightFCOS(model_cfg).eval()
    theirs.load_state_dict(randomize(theirs))
    ours.load_state_dict(theirs.state_dict())
    images = [torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
              for seed in range(2)]
    scale = np.array([0.8, 0.75])
    samples = [DetDataSample(metainfo=dict(img_shape=(height, width), scale_factor=tuple(scale))) for _ in images]
    with torch.no_grad():
        expected = [theirs.test_step(dict(inputs=[image], data_samples=[sample]))[0]
                    for image, sample in zip(images, samples, strict=True)]
        found = [ours.test_step(dict(inputs=[image], scale_factor=[scale]))[0] for image in images]
    for one, other in zip(found, expected, strict=True):
        people, wanted = one.pred_instances, other.pred_instances
        assert (len(wanted) == 0) == (test_cfg.get('score_thr') == 0.9999)
        torch.testing.assert_close(people.scores, wanted.scores, atol=1e-6, rtol=0)
        torch.testing.assert_close(people.bboxes, wanted.bboxes, atol=1e-3, rtol=0)
        assert torch.equal(people.labels, wanted.labels)
        assert people.bboxes.dtype == people.scores.dtype == torch.float32


def test_a_head_of_mmqanet_for_training_finds_the_same(model_cfg):
    cfg = Config.fromfile(CONFIG.with_name('fcos_efficientnet-lite0_person_photos.py')).model
    assert cfg.bbox_head.type == 'mmqanet.IgnoringFCOSHead'
    assert is_light_fcos(cfg)
    assert LightFCOS(cfg).state_dict().keys() == LightFCOS(model_cfg).state_dict().keys()


def test_suppression_keeps_what_no_better_box_covers():
    random = np.random.default_rng(0)
    for count in (0, 1, 40):
        corners = random.integers(0, 30, (count, 2))
        boxes = np.concatenate([corners, corners + random.integers(1, 30, (count, 2))], axis=1).astype(np.float32)
        scores = random.permutation(count).astype(np.float32)
        expected = []
        for index in np.argsort(-scores):
            pixels = [set(pixels_of(boxes[i])) for i in (index, *expected)]
            if all(len(pixels[0] & other) / len(pixels[0] | other) <= 0.4 for other in pixels[1:]):
                expected.append(index)
        assert suppress(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4).tolist() == expected
    assert len(expected) not in (1, 40)


def pixels_of(box):
    left, top, right, bottom = box.astype(int)
    return ((x, y) for x in range(left, right) for y in range(top, bottom))


@pytest.mark.parametrize('change', [
    dict(backbone=dict(type='ResNet')), dict(neck=dict(add_extra_convs='on_output')), dict(neck=dict(num_outs=4)),
    dict(neck=dict(type='PAFPN')), dict(bbox_head=dict(type='ATSSHead')), dict(bbox_head=dict(norm_on_bbox=False)),
    dict(bbox_head=dict(centerness_on_reg=False)), dict(bbox_head=dict(num_classes=80)),
    dict(bbox_head=dict(norm_cfg=dict(type='BN'))), dict(bbox_head=dict(dcn_on_last_conv=True)),
    dict(test_cfg=dict(nms=dict(type='soft_nms'))), dict(test_cfg=dict(nms=None)), dict(test_cfg=dict(nms_pre=-1)),
    dict(test_cfg=dict(nms=dict(class_agnostic=True))), dict(test_cfg=dict(with_nms=False)),
    dict(bbox_head=dict(loss_cls=dict(type='CrossEntropyLoss'))), dict(bbox_head=dict(norm_cfg=None)),
    dict(neck=dict(norm_cfg=dict(type='BN'))), dict(data_preprocessor=dict(bgr_to_rgb=False)),
    dict(data_preprocessor=dict(mean=None)), dict(data_preprocessor=dict(pad_value=114)), dict(type='ATSS')])
def test_what_it_would_compute_differently_is_left_to_mmdet(model_cfg, change):
    assert is_light_fcos(model_cfg)
    cfg = Config(dict(model=model_cfg))
    cfg.merge_from_dict(dict(model=change))
    assert not is_light_fcos(cfg.model)


@torch.no_grad()
def test_images_enough_for_all_threads_pass_on_one_each(model_cfg, monkeypatch):
    model_cfg.backbone.init_cfg = None
    model = LightFCOS(model_cfg).eval()
    model.load_state_dict(randomize(model))
    images = torch.randint(0, 256, (3, 3, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    data = dict(inputs=list(images), scale_factor=[np.array([0.5, 0.5])] * 3)
    seen = []
    model.backbone.register_forward_pre_hook(lambda module, inputs: seen.append(
        (len(inputs[0]), threading.current_thread().name.startswith('mmqanet'), torch.is_grad_enabled())))
    list(parallel_map(abs, [1]))  # the threads are there before their number is said to be another
    found = {}
    for threads in (3, 4):
        monkeypatch.setattr(torch, 'get_num_threads', lambda threads=threads: threads)
        found[threads] = model.test_step(data)
    assert seen == [(1, True, False)] * 3 + [(3, False, False)]
    for alone, together in zip(*found.values(), strict=True):
        alone, together = alone.pred_instances, together.pred_instances
        assert len(alone.bboxes) == len(together.bboxes) > 3
        torch.testing.assert_close(alone.bboxes, together.bboxes, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(alone.scores, together.scores, rtol=1e-4, atol=1e-5)

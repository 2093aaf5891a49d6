"""The assembled network: every backbone trains, prediction keeps its promises."""
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData

from mmqanet.errors import InputError
from mmqanet.functional.geometry import PersonCrop
from mmqanet.models import BaseParser, BoxUse, TopdownParser
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample
from mmqanet.utils.threads import parallel_map

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
BACKBONES = {
    'ResNetV1c': 'qanet/qanet_r50_cihp.py',
    'ResNetV1d': 'qanet/qanet_r101_cihp.py',
    'NearestHRNet': 'qanet/qanet_hrnet-w48_cihp.py',
    'SwinTransformer': 'backbones/qanet_swin-t_cihp.py',
    'MixVisionTransformer': 'backbones/qanet_mit-b0_cihp.py',
    'ConvNeXt': 'backbones/qanet_convnext-t_cihp.py',
    'EfficientNetLite0': 'ccp/qanet_efficientnet-lite0_ccp.py',
}


def build(config: str, **changes) -> TopdownParser:
    cfg = Config.fromfile(CONFIGS / config)
    cfg.merge_from_dict({'model.backbone.init_cfg': None, **{f'model.{key}': value for key, value in changes.items()}})
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return MODELS.build(cfg.model)


def tiny(**changes) -> TopdownParser:
    small = {'backbone.base_channels': 8, 'neck.in_channels': [8, 16, 32, 64]}
    return build('toy/qanet_r18_toy.py', **{**small, **changes})


def training_batch(num=2, size=(64, 48), num_classes=17) -> dict:
    rng = np.random.default_rng(0)
    samples = []
    for _ in range(num):
        sample = ParsingDataSample()
        labels = rng.integers(0, num_classes, size).astype(np.uint8)
        labels[:8] = 255
        sample.gt_sem_seg = PixelData(data=torch.from_numpy(labels)[None])
        samples.append(sample)
    inputs = [torch.from_numpy(rng.integers(0, 256, (1, 3, *size), dtype=np.uint8)) for _ in range(num)]
    return dict(inputs=inputs, data_samples=samples)


def losses_of(model: TopdownParser, batch: dict) -> dict:
    return model(**model.data_preprocessor(batch, training=True), mode='loss')


@pytest.mark.parametrize('name', BACKBONES)
def test_every_backbone_takes_a_training_step(name):
    model = build(BACKBONES[name]).train()
    assert type(model.backbone).__name__ == name
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = losses_of(model, training_batch())
    assert set(losses) == {'loss_ce', 'loss_lovasz', 'loss_iou'}
    sum(losses.values()).backward()
    for part in (model.backbone, model.neck, model.parsing_head, model.iou_head):
        gradients = [p.grad for p in part.parameters() if p.grad is not None]
        assert any(g.abs().sum() > 0 for g in gradients)
        assert all(g.isfinite().all() for g in gradients)
    before = model.parsing_head.classifier.weight.clone()
    optimizer.step()
    assert not torch.equal(before, model.parsing_head.classifier.weight)


def test_losses_are_the_same_with_channels_last():
    batch = training_batch()
    plain = losses_of(tiny(**{'data_preprocessor.channels_last': False}).train(), batch)
    last = losses_of(tiny(**{'data_preprocessor.channels_last': True}).train(), batch)
    for key in plain:
        torch.testing.assert_close(plain[key], last[key], rtol=1e-4, atol=1e-5)


def test_losses_are_float32_under_autocast():
    model = tiny().train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = losses_of(model, training_batch())
    assert {loss.dtype for loss in losses.values()} == {torch.float32}
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_gradients_accumulate_over_batches():
    """Two half batches with accumulation leave the weights that the mean of their gradients leaves."""
    batch = training_batch(num=4)
    halves = [{key: value[i:i + 2] for key, value in batch.items()} for i in (0, 2)]
    model, twin = tiny().eval(), tiny().eval()  # evaluation mode: batch norm does not depend on the split
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), accumulative_counts=2)
    wrapper.initialize_count_status(model, init_counts=0, max_counts=2)
    before = model.parsing_head.classifier.weight.clone()
    model.train_step(halves[0], wrapper)
    assert torch.equal(model.parsing_head.classifier.weight, before)
    model.train_step(halves[1], wrapper)
    (sum(sum(losses_of(twin, half).values()) for half in halves) / 2).backward()
    expected = before - 0.1 * twin.parsing_head.classifier.weight.grad
    torch.testing.assert_close(model.parsing_head.classifier.weight, expected)


def test_a_batch_that_is_ignored_whole_gives_zero_not_nan():
    batch = training_batch()
    for sample in batch['data_samples']:
        sample.gt_sem_seg.data[:] = 255
    losses = losses_of(tiny().train(), batch)
    assert all(loss == 0 for loss in losses.values())
    sum(losses.values()).backward()


def test_without_settings_nothing_is_mirrored_merged_or_rounded():
    cfg = Config.fromfile(CONFIGS / 'toy/qanet_r18_toy.py').model
    parts = {key: cfg[key] for key in ('backbone', 'neck', 'parsing_head')}
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = MODELS.build(dict(type='TopdownParser', **parts))
    assert (model.flip_test, model.max_crops_per_batch, model.merging, model.precision) == (False, None, None, 'float32')
    assert model.iou_head is None


def test_it_answers_to_both_names_and_says_what_its_config_means():
    assert MODELS.get('QANet') is MODELS.get('TopdownParser') is TopdownParser
    assert TopdownParser.box_use is BoxUse.REQUIRED
    cfg = Config.fromfile(CONFIGS / 'qanet/qanet_r101_mhp-v2.py').model
    assert TopdownParser.classes_in(cfg) == 59
    assert tiny().num_classes == 20
    TopdownParser.set_test_options(cfg, flip=False, max_batch=3)
    assert (cfg.flip_test, cfg.max_crops_per_batch) == (False, 3)
    TopdownParser.set_test_options(cfg)
    assert (cfg.flip_test, cfg.max_crops_per_batch) == (False, 3)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="'guess'"):
        tiny()(torch.zeros(1, 3, 64, 48), mode='guess')


def image_sample(boxes: list, size=(96, 80)) -> ParsingDataSample:
    boxes = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    sample = ParsingDataSample(metainfo=dict(
        ori_shape=size, flip_pairs=((14, 15),),
        crops=[PersonCrop.from_box(box, output_size=(48, 64)) for box in boxes.tolist()]))
    sample.gt_instances = InstanceData(bboxes=boxes, bbox_scores=torch.ones(len(boxes)))
    return sample


def test_people_are_batched_across_images_and_chunks_do_not_matter():
    crops = torch.randint(0, 256, (5, 3, 64, 48), dtype=torch.uint8)
    boxes = [[[5, 5, 40, 60]] * 3, [], [[20, 10, 70, 90]] * 2]
    answers = []
    for limit in (1, 2, 16):
        model = tiny(max_crops_per_batch=limit).eval()
        batch = dict(inputs=[crops[:3], crops[:0], crops[3:]], data_samples=[image_sample(b) for b in boxes])
        answers.append(model.test_step(batch))
    assert [len(sample.pred_instances) for sample in answers[0]] == [3, 0, 2]
    for other in answers[1:]:
        for one, two in zip(answers[0], other):
            torch.testing.assert_close(one.pred_instances.qualities, two.pred_instances.qualities, rtol=1e-4, atol=1e-5)
            assert (one.pred_maps.category != two.pred_maps.category).float().mean() < 0.002


@pytest.mark.parametrize(('options', 'sizes'), [
    (dict(max_crops_per_batch=None), [2, 2, 1]), (dict(max_crops_per_batch=None, flip_test=True), [2] * 5),
    (dict(max_crops_per_batch=4), [4, 1]), (dict(max_crops_per_batch=1, flip_test=True), [2] * 5),
    (dict(max_crops_per_batch=4, flip_test=True), [4, 4, 2])])
def test_few_crops_pass_a_processor_at_once(options, sizes):
    model = tiny(**{'flip_test': False, **options}).eval()
    batches = []
    model.backbone.register_forward_pre_hook(lambda module, inputs: batches.append(len(inputs[0])))
    crops = torch.randint(0, 256, (5, 3, 64, 48), dtype=torch.uint8)
    assert len(list(model.forward_crops([crops[:2], crops[2:]], flip_pairs=()))) == 5
    assert batches == sizes


@pytest.mark.parametrize(('options', 'crops', 'pooled'), [
    (dict(), 6, True), (dict(flip_test=True), 3, True), (dict(flip_test=True), 2, False),
    (dict(max_crops_per_batch=2), 6, False)])
def test_enough_crops_for_all_threads_pass_on_one_each(options, crops, pooled, monkeypatch):
    list(parallel_map(abs, [1]))  # the threads are there before their number is said to be another
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 3)
    model = tiny(**{'flip_test': False, 'max_crops_per_batch': None, **options}).eval()
    threads = set()
    model.backbone.register_forward_pre_hook(
        lambda module, inputs: threads.add((threading.current_thread().name.split('_')[0], torch.is_grad_enabled())))
    crops = torch.randint(0, 256, (crops, 3, 64, 48), dtype=torch.uint8)
    predictions = list(model.forward_crops([crops], flip_pairs=()))
    assert threads == {('mmqanet' if pooled else 'MainThread', False)}
    predict = model.crop_predictor(())
    for crop, (probs, iou) in zip(crops, predictions, strict=True):
        (expected, ), (expected_iou, ) = predict(crop[None])
        torch.testing.assert_close(probs, expected, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(iou, expected_iou, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_bfloat16_is_for_the_features_in_predicting_alone():
    crops = torch.randint(0, 256, (3, 3, 64, 48), dtype=torch.uint8)
    torch.manual_seed(0)
    model = tiny().eval()
    torch.manual_seed(0)
    rough = tiny(precision='bfloat16').eval()
    (probs, ious), (rough_probs, rough_ious) = (
        map(torch.stack, zip(*either.forward_crops([crops], flip_pairs=()))) for either in (model, rough))
    assert rough_probs.dtype == rough_ious.dtype == torch.float32
    assert not torch.equal(probs, rough_probs)
    torch.testing.assert_close(rough_probs, probs, atol=0.02, rtol=0)
    torch.testing.assert_close(rough_ious, ious, atol=0.05, rtol=0)
    inputs = model.data_preprocessor.normalize(crops)
    assert torch.equal(rough.train()(inputs)[0], model.train()(inputs)[0])
    with pytest.raises(InputError, match="'half'"):
        tiny(precision='half')


@torch.no_grad()
def test_a_runner_computes_in_place_of_the_network():
    model = tiny(flip_test=True).eval()
    given = []

    def runner(crops):
        given.append(crops)
        return torch.full((len(crops), 20, 64, 48), 1 / 20), torch.full((len(crops),), 0.25)

    model.runner = runner
    assert not model._shares_threads()
    crops = torch.randint(0, 256, (3, 3, 64, 48), dtype=torch.uint8)
    assert [float(iou) for _, iou in model.forward_crops([crops], flip_pairs=())] == [0.25] * 3
    assert torch.equal(torch.cat(given), crops)


@pytest.mark.parametrize('people', [0, 300])
def test_a_crowd_with_flip_and_scales_is_parsed_in_batches(people, monkeypatch):
    """No batch, stack or probabilities in memory ever grow with the number of people."""
    scales, limit = (0.9, 1.0, 1.1), 16
    sample = image_sample([])
    boxes = torch.rand(people, 2).repeat(1, 2) * 40 + torch.tensor([0.0, 0.0, 20.0, 30.0])
    sample.set_metainfo(dict(crops=[
        PersonCrop.from_box(box, output_size=(12, 16)).scaled(scale) for box in boxes.tolist() for scale in scales]))
    sample.gt_instances = InstanceData(bboxes=boxes, bbox_scores=torch.ones(people))
    model = tiny(flip_test=True, max_crops_per_batch=limit).eval()
    alive, batches, stacked, cat = [], [], [], torch.cat

    def network(inputs):
        batches.append(len(inputs))
        probs = torch.zeros(len(inputs), 20, 16, 12).index_fill_(1, torch.tensor([0]), 9.0)  # nobody: quick to merge
        alive.append(weakref.ref(probs))
        assert sum(ref() is not None for ref in alive) <= 4
        return probs, torch.rand(len(inputs))

    monkeypatch.setattr(model, '_forward', network)
    monkeypatch.setattr(torch, 'cat', lambda pieces: stacked.append(sum(map(len, pieces))) or cat(pieces))
    crops = torch.zeros(people * len(scales), 3, 16, 12, dtype=torch.uint8)
    parsed, = model.test_step(dict(inputs=[crops], data_samples=[sample]))
    assert len(parsed.pred_instances) == people
    assert sum(batches) == 2 * len(crops)  # the mirror images
    assert max(batches + stacked, default=0) <= limit
    assert len(batches) == -(-2 * len(crops) // limit)


def test_300_people_keep_one_probability_map_at_a_time(monkeypatch):
    corners = torch.rand(300, 2) * 60
    sample = image_sample(torch.cat([corners, corners + 4 + 16 * torch.rand(300, 2)], dim=1).tolist())
    alive = []

    def predictions(inputs, flip_pairs):
        for _ in inputs[0]:
            assert not any(ref() is not None for ref in alive)
            probs = torch.zeros(20, 64, 48).index_fill_(0, torch.tensor([0]), 1.0)
            alive.append(weakref.ref(probs))
            yield probs, torch.tensor(0.5)
            del probs

    model = tiny().eval()
    monkeypatch.setattr(model, 'forward_crops', predictions)
    parsed, = model.predict([torch.zeros(300, 1)], [sample])
    assert len(alive) == len(parsed.pred_instances.label_maps) == 300


def test_crops_that_do_not_fit_the_boxes_are_refused():
    model, crops = tiny().eval(), torch.zeros(2, 3, 64, 48, dtype=torch.uint8)
    with pytest.raises(InputError, match='inputs: 0 crops are left for a person with 1'):
        model.predict([crops], [image_sample([[5, 5, 40, 60]] * 3)])
    for boxes, number in (([[5, 5, 40, 60]] * 2, 3), ([[5, 5, 40, 60]], 0), ([], 1)):
        sample = image_sample(boxes)
        sample.set_metainfo(dict(crops=[PersonCrop.from_box([5, 5, 40, 60], output_size=(48, 64))] * number))
        with pytest.raises(InputError, match=f'crops: {number} of them do not fit {len(boxes)} boxes'):
            model.predict([crops], [sample])


def test_an_image_with_nobody_is_empty():
    sample, = tiny().eval().test_step(dict(inputs=[torch.empty(0, 3, 1, 1, dtype=torch.uint8)],
                                           data_samples=[image_sample([])]))
    assert len(sample.pred_instances) == 0
    assert sample.pred_maps.category.shape == (1, 96, 80)
    assert not sample.pred_maps.category.any()


class ColumnNetwork:
    """Stands in for the network: class 14 on the left half of the crop, 15 on the right, IoU = mean of the left half."""

    def __call__(self, inputs):
        logits = torch.full((len(inputs), 20, *inputs.shape[-2:]), -10.0)
        half = inputs.shape[-1] // 2
        logits[:, 14, :, :half] = 10 + inputs.mean()
        logits[:, 15, :, half:] = 10
        return logits, inputs[..., :half].flatten(1).mean(1)


def test_the_mirror_image_swaps_left_and_right_back():
    """A network that always says 14 left, 15 right says the same of the mirror image: averaged, the swap cancels it."""
    model = tiny(flip_test=True).eval()
    model._forward = ColumnNetwork()
    crops = torch.full((1, 3, 64, 48), 120, dtype=torch.uint8)
    (probs, _), = model.forward_crops([crops], flip_pairs=((14, 15),))
    # Mirrored back, the second answer has 14 on the right half; the swap makes it 15: both agree.
    assert probs[14, :, :24].min() > 0.99
    assert probs[15, :, 24:].min() > 0.99
    (unswapped, _), = model.forward_crops([crops], flip_pairs=())
    assert unswapped[14, :, :24].max() == pytest.approx(0.5, abs=0.01)


def test_the_iou_scores_of_crop_and_mirror_image_are_averaged():
    model = tiny(flip_test=True).eval()
    model._forward = ColumnNetwork()
    crops = torch.randint(0, 256, (1, 3, 64, 48), dtype=torch.uint8)
    crops[..., 24:] //= 2
    (_, iou), = model.forward_crops([crops], flip_pairs=())
    assert iou == pytest.approx(model.data_preprocessor.normalize(crops).mean().item(), abs=1e-5)


def test_predicting_without_a_postprocessor_is_refused():
    with pytest.raises(InputError, match='postprocessor'):
        tiny(postprocessor=None)([torch.zeros(1, 3, 64, 48)], [image_sample([[0, 0, 9, 9]])], mode='predict')


def test_without_iou_head_everybody_scores_one():
    model = tiny(iou_head=None).eval()
    (_, iou), = model.forward_crops([torch.zeros(1, 3, 64, 48, dtype=torch.uint8)], flip_pairs=())
    assert iou == 1


def test_merged_classes_are_predicted_as_the_sum_of_their_parts():
    """Left and right of the stand-in's two classes cancel in the mirror; merged, they are one class everywhere."""
    table = [0, *[1] * 13, 2, 2, *[-1] * 4]
    model = tiny(flip_test=True, merging=dict(table=table, flip_pairs=[(14, 15)])).eval()
    model._forward = ColumnNetwork()
    assert model.num_classes == 3
    crops = torch.zeros(1, 3, 64, 48, dtype=torch.uint8)
    sample = image_sample([[0, 0, 80, 96]])
    sample.set_metainfo(dict(flip_pairs=()))  # those of the merged classes: the network's come with the merging
    (probs, _), = model.forward_crops([crops], flip_pairs=sample.flip_pairs)
    own = tiny(flip_test=True).eval()
    own._forward = ColumnNetwork()
    (whole, _), = own.forward_crops([crops], flip_pairs=[(14, 15)])
    torch.testing.assert_close(probs[2] / probs[:2].sum(0), whole[14:16].sum(0) / whole[:14].sum(0))
    torch.testing.assert_close(probs.sum(0), torch.ones(64, 48))
    parsed, = model.test_step(dict(inputs=[crops], data_samples=[sample]))
    assert parsed.pred_instances.part_qualities.shape == (1, 2)
    assert set(parsed.pred_maps.category.unique().tolist()) <= {0, 1, 2}
    with pytest.raises(InputError, match='merging table needs 20 entries'):
        tiny(merging=dict(table=table[:-1], flip_pairs=[]))


def test_the_calibration_of_merged_classes_is_that_of_all_or_of_the_one_they_are():
    lines = [dict(qualities=[0.5], ious=[0.04 * label]) for label in range(20)]
    table = [0, *[1] * 13, 2, *[-1] * 5]
    model = dict(postprocessor=dict(calibration=dict(people=lines[1], parts=lines[1:], pooled=lines[0])))
    TopdownParser.set_merging(model, table=table, flip_pairs=[])
    assert model['postprocessor']['calibration'] == dict(people=lines[1], parts=[lines[0], lines[14]], pooled=lines[0])


def test_a_parser_of_another_kind_need_not_merge():
    with pytest.raises(InputError, match='BaseParser cannot merge its classes'):
        BaseParser.set_merging({}, table=[0, 1, 1], flip_pairs=())


def test_operators_that_misread_channels_last_maps_are_refused():
    """mmcv's deformable convolution gives other numbers for the same map laid out as NHWC."""
    pytest.importorskip('mmcv._ext', reason="mmcv's operators are not compiled")
    deformable = {'backbone.depth': 50, 'backbone.dcn': dict(type='DCNv2', deform_groups=1),
                  'backbone.stage_with_dcn': (False, False, False, True), 'neck.in_channels': [32, 64, 128, 256]}
    with pytest.raises(InputError, match=r'channels_last: ModulatedDeformConv2dPack \(backbone\.layer4.*leave'):
        tiny(**deformable)
    tiny(**deformable, **{'data_preprocessor.channels_last': False})

"""The region-based parsers train, find people, parse given boxes and stand bad input."""
import zlib

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from region_toys import TOYS, picture, toy_config

from mmqanet.apis import inference_topdown, init_model
from mmqanet.errors import InputError
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.registry import DATASETS, METRICS
from mmqanet.structures import ParsingDataSample

pytest.importorskip('mmdet')
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import SamplingResult


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp('regions')
    draw_toy_dataset(folder, num_train=2, num_val=2, size=(96, 72), seed=0, num_workers=1, progress=False)
    return folder


@pytest.mark.parametrize('arithmetic', ['modern', 'release'])
@pytest.mark.parametrize('name', TOYS)
def test_a_training_step_and_a_test_step(name, arithmetic, data):
    cfg = toy_config(name, data=data, arithmetic=arithmetic)
    torch.manual_seed(0)
    model = init_model(cfg).train()
    with DefaultScope.overwrite_default_scope('mmqanet'):
        learnt, seen = DATASETS.build(cfg.train_dataloader.dataset), DATASETS.build(cfg.test_dataloader.dataset)
        wrapper, metric = build_optim_wrapper(model, cfg.optim_wrapper), METRICS.build(cfg.test_evaluator)
    before = model.roi_head.mask_head.classifier.weight.clone()
    losses = model.train_step(pseudo_collate([learnt[0], learnt[1]]), wrapper)
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert {'loss_rpn_cls', 'loss_cls', 'loss_parsing'} <= set(losses)
    assert ('loss_semantic' in losses) == ('loss_iou' in losses) == name.startswith('rp_')
    assert not torch.equal(model.roi_head.mask_head.classifier.weight, before)
    metric.dataset_meta = seen.metainfo
    batch = pseudo_collate([seen[0], seen[1]])
    samples = model.eval().test_step(batch)
    assert [len(sample.pred_instances) for sample in samples] == [3, 3]
    metric.process(batch, [sample.to_dict() for sample in samples])
    assert 0 <= metric.evaluate(2)['mIoU'] <= 100


def training_batch(cfg, *, number: int = 1):
    """A model in training mode, and its first samples."""
    with DefaultScope.overwrite_default_scope('mmqanet'):
        learnt = DATASETS.build(cfg.train_dataloader.dataset)
    return init_model(cfg).train(), pseudo_collate([learnt[index] for index in range(number)])


@pytest.mark.parametrize('name', TOYS)
def test_an_image_without_people_teaches_nothing_about_parsing(name, data):
    model, batch = training_batch(toy_config(name, data=data))
    sample, = batch['data_samples']
    sample.gt_instances = InstanceData(bboxes=torch.zeros(0, 4), parsing_ids=torch.zeros(0, dtype=torch.int64))
    losses = model.parse_losses(model(**model.data_preprocessor(batch, True), mode='loss'))
    assert losses[1]['loss_parsing'] == 0
    losses[0].backward()
    branch = [model.roi_head.mask_head, model.roi_head.rescoring_head or model.roi_head.mask_head]
    assert all(p.grad is not None for head in branch for p in head.parameters())


def test_without_a_map_of_people_everybody_has_the_labels_of_the_image(data):
    model, batch = training_batch(toy_config(TOYS[0], data=data))
    sample, = batch['data_samples']
    del sample.gt_maps.human
    annotated = model._annotation(sample, batch['inputs'][0].shape[-2:]).gt_instances
    assert len(annotated.bboxes) == len(sample.gt_instances.bboxes) > 0
    losses = model.parse_losses(model(**model.data_preprocessor(batch, True), mode='loss'))[1]
    assert losses['loss_parsing'] > 0


@pytest.mark.parametrize('name', TOYS)
def test_given_boxes_are_parsed_as_forward_rois_does(name):
    model = init_model(toy_config(name))
    boxes = [[10.0, 5.0, 60.0, 70.0], [20.0, 30.0, 20.5, 30.2]]
    sample, = inference_topdown(model, picture(), boxes)
    torch.testing.assert_close(sample.pred_instances.bboxes, torch.tensor(boxes))
    inputs = model.data_preprocessor.batch([torch.from_numpy(picture()).permute(2, 0, 1)])
    assert model.pipeline.transforms[1].short_side == 72  # the input is the image
    with torch.no_grad():
        logits, iou = model.forward_rois(inputs, [torch.tensor(boxes)])
    assert logits.shape == (2, 20, 64, 64)
    assert (iou is None) == name.startswith('parsing')
    if iou is not None:
        torch.testing.assert_close(sample.pred_instances.iou_scores, iou.clamp(0, 1), atol=1e-4, rtol=0)
    with torch.no_grad():
        assert model.forward_rois(inputs, [torch.zeros(0, 4)])[0].shape[0] == 0
    with pytest.raises(InputError, match='1 lists do not fit 2 images'):
        model.forward_rois(inputs.repeat(2, 1, 1, 1), [torch.tensor(boxes)])
    with pytest.raises(InputError, match=r'boxes\[0\] must be finite'):
        model.forward_rois(inputs, [torch.tensor([[5, 5, 1, 9.0]])])


@pytest.mark.parametrize('name', TOYS)
def test_a_mirrored_picture_gets_the_mirrored_answer_under_flip(name):
    model = init_model(toy_config(name), tta=[1.0, 1.5])
    boxes = np.array([[10, 5, 60, 70]])
    sample, = inference_topdown(model, picture(), boxes)
    mirrored, = inference_topdown(model, picture()[:, ::-1].copy(), np.array([[36, 5, 86, 70]]))
    assert sample.pred_instances.pixel_scores.tolist() == pytest.approx(
        mirrored.pred_instances.pixel_scores.tolist(), abs=2e-3)


@pytest.mark.parametrize('name', TOYS)
def test_scales_and_mirror_images_are_averaged(name):
    model = init_model(toy_config(name, **{'model.postprocessor.pixel_score_thr': 0.05}), tta=[1.0, 1.5])
    made_up_weights(model)
    boxes = torch.tensor([[10, 5, 60, 70], [30, 20, 90, 71.0]])
    sample, = inference_topdown(model, picture(), boxes)
    order = list(range(20))
    for left, right in model.dataset_meta['flip_pairs']:
        order[left], order[right] = right, left
    probs, ious = [], []
    for scale in (1.0, 1.5):
        image = cv2.resize(picture().astype(np.float32), None, fx=scale, fy=scale)
        for mirrored in (False, True):
            seen, x1, x2 = (image[:, ::-1], 96 - boxes[:, 2], 96 - boxes[:, 0]) if mirrored else (
                image, boxes[:, 0], boxes[:, 2])
            inputs = model.data_preprocessor.batch([torch.from_numpy(seen.copy()).permute(2, 0, 1)])
            rois = torch.stack([x1, boxes[:, 1], x2, boxes[:, 3]], dim=1) * scale
            with torch.no_grad():
                logits, iou = model.forward_rois(inputs, [rois])
            part = logits.softmax(1)
            probs.append(part[:, order].flip(-1) if mirrored else part)
            ious.append(torch.ones(2) if iou is None else iou)
    mean = torch.stack(probs).mean(0)
    pasted = [model.postprocessor.paste([part], [box], image_shape=(72, 96)) for part, box in zip(mean, boxes.tolist())]
    found = sample.pred_instances
    expected = torch.stack([person.pixel_scores[0] for person in pasted])
    torch.testing.assert_close(found.pixel_scores, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.iou_scores, torch.stack(ious).mean(0).clamp(0, 1), rtol=1e-3, atol=1e-4)
    assert expected.min() > 0.05
    if name.startswith('parsing'):  # the other one's labels see the semantic map as well
        for labels, person in zip(found.label_maps, pasted):
            assert (labels != person.label_map).float().mean() < 1e-3


@pytest.mark.parametrize('name', TOYS)
def test_nobody_found(name):
    cfg = toy_config(name)
    cfg.model.test_cfg.rcnn.score_thr = 1.0
    sample, = inference_topdown(init_model(cfg), picture())
    assert len(sample.pred_instances) == 0
    assert sample.pred_maps.human.shape == (1, 72, 96)


def test_an_unknown_arithmetic():
    with pytest.raises(InputError, match="arithmetic is 'legacy', but must be one of"):
        init_model(toy_config(TOYS[0], arithmetic='legacy'))


# -- bad input -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('arithmetic', ['modern', 'release'])
@pytest.mark.parametrize('name', TOYS)
def test_without_a_proposal_nobody_is_found(name, arithmetic):
    cfg = toy_config(name, arithmetic=arithmetic)
    cfg.model.test_cfg.rpn.min_bbox_size = 1000
    sample, = inference_topdown(init_model(cfg, tta=[1.0, 1.5]), picture())
    assert len(sample.pred_instances) == 0
    assert ('pred_sem_seg' in sample) == name.startswith('rp_')


@pytest.mark.parametrize('arithmetic', ['modern', 'release'])
@pytest.mark.parametrize('name', TOYS)
def test_boxes_of_less_than_a_pixel_are_parsed(name, arithmetic):
    model = init_model(toy_config(name, arithmetic=arithmetic))
    sample, = inference_topdown(model, picture(), [[20, 30, 20.4, 30.3], [95.9, 71.9, 96, 72], [-50, -50, 0.2, 0.2]])
    assert len(sample.pred_instances) == 3
    assert torch.isfinite(sample.pred_instances.qualities).all()


@pytest.mark.parametrize('name', TOYS)
def test_people_without_a_label_teach_nothing_about_parsing(name, data):
    model, batch = training_batch(toy_config(name, data=data), number=2)
    samples = batch['data_samples']
    samples[0].gt_maps.category.fill_(255)
    samples[0].gt_instances = samples[0].gt_instances[:1]
    samples[0].gt_maps.human.fill_(int(samples[0].gt_instances.parsing_ids[0]))
    samples[1].gt_instances = InstanceData(bboxes=torch.zeros(0, 4), parsing_ids=torch.zeros(0, dtype=torch.int64))
    total, values = model.parse_losses(model(**model.data_preprocessor(batch, True), mode='loss'))
    assert values['loss_parsing'] == 0  # all pixels of the one person are ignored
    if name.startswith('rp_'):  # the other image's map counts there
        assert values['loss_semantic'] > 0
        assert values['loss_iou'] == 0
    assert torch.isfinite(total)
    total.backward()


def test_regions_without_a_pixel_teach_nothing():
    model = init_model(toy_config(TOYS[1]))
    levels = tuple(torch.randn(1, 64, 64 // 2**index, 64 // 2**index) for index in range(4))
    sampled = SamplingResult(
        pos_inds=torch.arange(2), neg_inds=torch.zeros(0, dtype=torch.long),
        priors=torch.tensor([[10.1, 10.1, 10.3, 10.4], [300, 300, 330, 330.0]]), gt_bboxes=torch.tensor([[5, 5, 40, 40.0]]),
        assign_result=AssignResult(1, torch.ones(2, dtype=torch.long), torch.ones(2), torch.zeros(2, dtype=torch.long)),
        gt_flags=torch.zeros(2, dtype=torch.uint8))
    people = InstanceData(label_maps=torch.ones(1, 256, 256, dtype=torch.uint8))
    losses = model.roi_head.mask_loss(levels, [sampled], torch.zeros(0), [people])['loss_mask']
    assert losses['loss_parsing'] == losses['loss_iou'] == 0


@pytest.mark.parametrize(('output', 'score'), [(-3.0, 0.0), (7.0, 1.0)])
def test_an_iou_outside_of_its_range_is_clamped(output, score):
    model = init_model(toy_config(TOYS[1]))
    torch.nn.init.zeros_(model.roi_head.rescoring_head.regressor.weight)
    torch.nn.init.constant_(model.roi_head.rescoring_head.regressor.bias, output)
    sample, = inference_topdown(model, picture(), [[10, 5, 60, 70]])
    people = sample.pred_instances
    assert people.iou_scores.tolist() == [score]
    expected = (people.iou_scores * people.pixel_scores) ** 0.2
    torch.testing.assert_close(people.qualities, expected)
    assert model.forward_rois(torch.zeros(1, 3, 64, 64), [torch.tensor([[0, 0, 9, 9.0]])])[1].tolist() == [output]


@pytest.mark.parametrize(('name', 'other'), [TOYS, TOYS[::-1]])
def test_weights_of_another_config_are_named(name, other, tmp_path):
    torch.save(dict(state_dict=init_model(toy_config(other)).state_dict()), tmp_path / 'one.pth')
    with pytest.raises(InputError, match=r'one\.pth: weights of another config: the checkpoint lacks'):
        init_model(toy_config(name), tmp_path / 'one.pth')


# -- recorded --------------------------------------------------------------------------------------------------------------


def made_up_weights(model) -> None:
    """Weights that depend on their names alone."""
    for name, parameter in model.named_parameters():
        noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(parameter.shape)
        if parameter.dim() > 1:
            noise *= np.sqrt(2 / np.prod(parameter.shape[1:]))
        else:
            noise = 0.1 * noise + name.endswith('weight')
        parameter.data = torch.from_numpy(noise.astype(np.float32))


#: Losses and the norm of the gradient in the release's arithmetic, as they were when the networks agreed with recorded runs
#: of the released code (test_region_golden.py).
STEPS = {
    TOYS[0]: dict(loss_rpn_cls=3.27496, loss_rpn_bbox=3.48478, loss_cls=2.97128, loss_bbox=1.10415, loss_parsing=9.65991,
                  grad=215.737),
    TOYS[1]: dict(loss_rpn_cls=0.768067, loss_rpn_bbox=0.756360, loss_cls=1.55938, loss_bbox=0.226479, loss_parsing=6.43617,
                  loss_iou=0.00299696, loss_semantic=7.28838, grad=64.7101),
}


@pytest.mark.parametrize('name', TOYS)
def test_a_recorded_training_step(name):
    model = init_model(toy_config(name, arithmetic='release', **{
        'model.train_cfg.rpn.sampler.num': 10**6, 'model.train_cfg.rcnn.sampler.num': 10**6,
        'model.roi_head.regions_per_image': None}))
    made_up_weights(model)
    sample = ParsingDataSample(metainfo=dict(img_shape=(60, 90)))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[4, 6, 40, 58], [38, 10, 88, 56.0]]), parsing_ids=torch.tensor([1, 2]))
    human = torch.zeros(1, 60, 90, dtype=torch.int32)
    human[:, 6:58, 4:40], human[:, 10:56, 40:88] = 1, 2
    rows = torch.arange(60).view(1, -1, 1) // 6
    sample.gt_maps = PixelData(human=human, category=((rows + human) * (human > 0)).byte())
    inputs = torch.zeros(1, 3, 64, 96)
    inputs[..., :60, :90] = 50 * torch.from_numpy(np.random.default_rng(7).standard_normal((3, 60, 90))).float()
    total, losses = model.train().parse_losses(model.loss(inputs, [sample]))
    total.backward()
    norm = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()
    found = {key: losses[key].item() for key in STEPS[name] if key != 'grad'}
    assert dict(found, grad=norm.item()) == pytest.approx(STEPS[name], rel=1e-3)

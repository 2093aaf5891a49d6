"""The region-based parsers train, find people, parse given boxes and stand bad input."""
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from region_toys import TOYS, picture, toy_config

from mmqanet.apis import inference_topdown, init_model
from mmqanet.errors import InputError
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.registry import DATASETS, METRICS

pytest.importorskip('mmdet')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp('regions')
    draw_toy_dataset(folder, num_train=2, num_val=2, size=(96, 72), seed=0, num_workers=1, progress=False)
    return folder


@pytest.mark.parametrize('arithmetic', ['modern', 'release'])
@pytest.mark.parametrize('name', TOYS)
def test_a_training_step_and_a_test_step(name, arithmetic, data):
    cfg = toy_config(name, arithmetic=arithmetic)
    torch.manual_seed(0)
    model = init_model(cfg).train()
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(data)
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


@pytest.mark.parametrize('name', TOYS)
def test_an_image_without_people_and_a_crowd_of_none_teach_nothing_about_parsing(name, data):
    cfg = toy_config(name)
    cfg.train_dataloader.dataset.data_root = str(data)
    model = init_model(cfg).train()
    with DefaultScope.overwrite_default_scope('mmqanet'):
        batch = pseudo_collate([DATASETS.build(cfg.train_dataloader.dataset)[0]])
    sample, = batch['data_samples']
    sample.gt_instances = InstanceData(bboxes=torch.zeros(0, 4), parsing_ids=torch.zeros(0, dtype=torch.int64))
    losses = model.parse_losses(model(**model.data_preprocessor(batch, True), mode='loss'))
    assert losses[1]['loss_parsing'] == 0
    losses[0].backward()
    assert all(p.grad is not None for p in model.roi_head.mask_head.parameters())


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
def test_nobody_found(name):
    cfg = toy_config(name)
    cfg.model.test_cfg.rcnn.score_thr = 1.0
    sample, = inference_topdown(init_model(cfg), picture())
    assert len(sample.pred_instances) == 0
    assert sample.pred_maps.human.shape == (1, 72, 96)


def test_an_unknown_arithmetic():
    with pytest.raises(InputError, match="arithmetic is 'legacy', but must be one of"):
        init_model(toy_config(TOYS[0], arithmetic='legacy'))

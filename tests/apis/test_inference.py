"""From Python: loading weights, boxes in, parsings out, and clear refusals."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmqanet.apis import inference_topdown, init_model
from mmqanet.errors import DataError, InputError

CONFIG = Path(__file__).resolve().parents[2] / 'configs/toy/qanet_r18_toy.py'
RANGE = r'image 0: box_scores must lie in \[0, 1\]'


@pytest.fixture(scope='module')
def small_cfg():
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]})
    return cfg


@pytest.fixture(scope='module')
def model(small_cfg):
    torch.manual_seed(0)
    return init_model(small_cfg)


def picture(height=90, width=70, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_weights_come_back(small_cfg, model, tmp_path):
    path = tmp_path / 'weights.pth'
    meta = dict(dataset_meta=dict(model.dataset_meta, flip_pairs=((1, 2),)))
    torch.save(dict(state_dict={f'module.{k}': v for k, v in model.state_dict().items()}, meta=meta), path)
    loaded = init_model(small_cfg, path)
    assert all(torch.equal(a, b) for a, b in zip(loaded.state_dict().values(), model.state_dict().values()))
    assert loaded.dataset_meta['flip_pairs'] == ((1, 2),)
    assert not loaded.training


def test_weights_of_another_config_are_refused(small_cfg, model, tmp_path):
    state = model.state_dict()
    for change, message in (
        (lambda s: s.pop('iou_head.regressor.bias'), r'lacks 1 keys'),
        (lambda s: s.update(extra=torch.ones(1)), r"left over 1 keys, e\.g\. \['extra'\]"),
        (lambda s: s.update({'parsing_head.classifier.bias': torch.ones(7)}), r'another shape 1 keys'),
    ):
        changed = dict(state)
        change(changed)
        torch.save(dict(state_dict=changed), tmp_path / 'other.pth')
        with pytest.raises(InputError, match=rf'other\.pth: weights of another config.*{message}'):
            init_model(small_cfg, tmp_path / 'other.pth')


def test_a_config_with_synchronised_norms_parses_on_a_cpu(small_cfg):
    cfg = small_cfg.copy()
    cfg.merge_from_dict({'model.backbone.norm_cfg': dict(type='SyncBN'), 'model.neck.norm_cfg': dict(type='SyncBN')})
    model = init_model(cfg)
    assert not any(isinstance(module, torch.nn.SyncBatchNorm) for module in model.modules())
    assert len(inference_topdown(model, picture())) == 1


def test_people_of_several_images(model):
    boxes = [np.array([[5, 5, 40, 80], [20, 10, 69, 90]]), np.zeros((0, 4))]
    first, second = inference_topdown(model, [picture(), picture(60, 50)], boxes)
    assert len(first.pred_instances) == 2
    assert len(second.pred_instances) == 0
    assert first.pred_maps.category.shape == (1, 90, 70)
    assert second.pred_maps.category.shape == (1, 60, 50)
    assert first.pred_instances.bboxes.tolist() == boxes[0].tolist()


def test_the_whole_image_is_one_box_by_default(model):
    sample, = inference_topdown(model, picture())
    assert sample.pred_instances.bboxes.tolist() == [[0, 0, 70, 90]]
    assert sample.pred_instances.bbox_scores.tolist() == [1]


def test_rows_of_five_numbers_have_the_score(model):
    rows = np.array([[5, 5, 40, 80, 0.25], [30, 10, 69, 89, 0.75]])
    one, = inference_topdown(model, picture(), [rows])
    other, = inference_topdown(model, picture(), [rows[:, :4]], box_scores=[[0.25, 0.75]])
    assert one.pred_instances.bbox_scores.tolist() == [0.25, 0.75]
    for key in ('bboxes', 'bbox_scores', 'qualities'):
        assert torch.equal(one.pred_instances[key], other.pred_instances[key])
    assert torch.equal(one.pred_maps.category, other.pred_maps.category)
    with pytest.raises(InputError, match='the boxes have scores of their own, and box_scores are given too'):
        inference_topdown(model, picture(), [rows], box_scores=[[0.25, 0.75]])


def test_a_path_and_its_array_give_the_same(model, tmp_path):
    path = tmp_path / 'picture.png'
    Image.fromarray(picture()[..., ::-1]).save(path)
    from_path, = inference_topdown(model, str(path))
    from_array, = inference_topdown(model, picture())
    assert torch.equal(from_path.pred_maps.category, from_array.pred_maps.category)
    assert from_path.name == 'picture'


def test_calls_leave_no_trace(model):
    before, = inference_topdown(model, picture())
    inference_topdown(model, picture(seed=1), np.array([[0, 0, 30, 30]]))
    after, = inference_topdown(model, picture())
    assert torch.equal(before.pred_instances.qualities, after.pred_instances.qualities)


@pytest.mark.parametrize('box', [[5, 5, 5, 20], [80, 5, 95, 20], [-9, 0, -2, 9], [0, 0, np.nan, 5], [0, 0, np.inf, 5]])
def test_impossible_boxes_are_refused(model, box):
    with pytest.raises(InputError, match='image 0: box'):
        inference_topdown(model, picture(), np.array([box]))


@pytest.mark.parametrize(('scores', 'message'), [
    ([1.5], RANGE), ([1.001], RANGE), ([-0.1], RANGE), ([np.nan], RANGE),
    ([0.5, 0.5], 'image 0: 1 box, but 2 box_scores')])
def test_impossible_scores_are_refused(model, scores, message):
    with pytest.raises(InputError, match=message):
        inference_topdown(model, [picture()], [np.array([[0, 0, 9, 9]])], box_scores=[np.array(scores)])


def test_unusable_images_are_refused(model, tmp_path):
    with pytest.raises(DataError, match=r'none\.jpg: no such file'):
        inference_topdown(model, tmp_path / 'none.jpg')
    with pytest.raises(InputError, match='image 0 must be'):
        inference_topdown(model, picture().astype(np.float32))
    with pytest.raises(InputError, match=r'boxes and box_scores must be as many as the images \(1\), not 2 and 1'):
        inference_topdown(model, [picture()], [None, None])


@pytest.mark.parametrize(('change', 'message'), [
    (dict(classes=('background', 'hat')), 'classes names 2 of the 20'), (dict(palette=()), 'palette names 0 of the 20'),
    (dict(flip_pairs=((1, 20),)), 'flip_pairs leave the 20')])
def test_classes_of_another_network_are_refused(small_cfg, model, tmp_path, change, message):
    meta = dict(dataset_meta=dict(model.dataset_meta, **change))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), tmp_path / 'weights.pth')
    with pytest.raises(InputError, match=rf'weights\.pth: {message}'):
        init_model(small_cfg, tmp_path / 'weights.pth')


@pytest.mark.parametrize('shape', [(1, 32_767), (32_767, 1)])
def test_a_picture_longer_than_opencv_resamples_is_named(model, shape):
    """OpenCV's limit is 2^15 - 1."""
    with pytest.raises(InputError, match=rf'{shape[1]}x{shape[0]} pixels; sides of more than 32766 are not supported'):
        inference_topdown(model, np.zeros((*shape, 3), np.uint8))
    sample, = inference_topdown(model, np.zeros((*np.minimum(shape, 32_766), 3), np.uint8))
    assert max(sample.pred_maps.category.shape) == 32_766

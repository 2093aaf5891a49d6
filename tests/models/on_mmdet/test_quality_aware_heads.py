"""Every quality-aware head beside mmdet's own: the same model, weights and pictures."""
import json

import numpy as np
import pytest
import torch

pytest.importorskip('mmdet.models')

from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import InstanceData
from segmenters import CONFIGS, META, build, predict, skip_where_mmdet_errs, small_model

from mmqanet.errors import InputError
from mmqanet.functional import fuse_quality, mask_pixel_scores
from mmqanet.models.mask_quality import MaskQuality
from mmqanet.models.on_mmdet import TWINS, quality_aware, roi_mask_heads

OWN = ('pixel_scores', 'mask_scores')
CUT_BY_CONFIG = [head for head in CONFIGS if 'SOLO' not in head and head not in ('MaskFormerFusionHead', 'MaskIoUHead')]


@pytest.fixture(scope='module', params=CONFIGS)
def pair(request):
    """A head's name, a model of mmdet's with it, and the quality-aware twin of that model."""
    cfg = small_model(request.param)
    plain = build(cfg)
    return request.param, plain, build(quality_aware(cfg), like=plain)


@pytest.mark.parametrize('rescale', [True, False])
def test_detections_are_mmdets_to_the_bit(pair, rescale):
    head, plain, twin = pair
    if rescale:
        skip_where_mmdet_errs(head)
    for expected, found in zip(predict(plain, rescale=rescale), predict(twin, rescale=rescale)):
        assert len(found) == 12
        assert set(found.keys()) == {*expected.keys(), *OWN}
        for key, value in expected.items():
            assert found[key].dtype == value.dtype, key
            assert torch.equal(found[key], value), key


@pytest.mark.parametrize('head', ['SOLOV2Head', 'CondInstMaskHead', 'YOLACTProtonet', 'MaskFormerFusionHead'])
def test_so_are_those_of_half_precision(head):
    cfg = small_model(head)
    plain = build(cfg)
    twin = build(quality_aware(cfg), like=plain)
    with torch.autocast('cpu', torch.bfloat16):
        for expected, found in zip(predict(plain), predict(twin)):
            assert found.mask_scores.dtype == torch.float32
            for key, value in expected.items():
                assert found[key].dtype == value.dtype, key
                assert torch.equal(found[key], value), key


@pytest.mark.parametrize(('name', 'settings'), [
    ('cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco', {}),  # three heads, whose probabilities are averaged
    ('maskformer/maskformer_r50_ms-16xb1-75e_coco', dict(instance_on=True)),
])
def test_so_are_those_of_other_models_with_such_a_head(name, settings):
    cfg = small_model(name, **settings)
    plain = build(cfg)
    for expected, found in zip(predict(plain), predict(build(quality_aware(cfg), like=plain))):
        assert len(found) == len(found.mask_scores) == 12
        for key, value in expected.items():
            assert torch.equal(found[key], value), key


def test_the_scored_maps_are_those_that_are_cut_into_masks(pair, monkeypatch):
    head, _, twin = pair
    windows = []
    measure = MaskQuality.measure

    def record(self, probs, **size):
        windows.append(probs.clone())
        return measure(self, probs, **size)

    monkeypatch.setattr(MaskQuality, 'measure', record)
    found = predict(twin)
    masks = torch.cat([instances.masks for instances in found])
    pixel = torch.cat([instances.pixel_scores for instances in found])
    probs = [prob for window in windows for prob in window]
    assert len(probs) == len(masks)
    assert pixel.unique().numel() > 5
    for prob, mask, score in zip(probs, masks, pixel):
        assert int((prob > 0.5).sum()) == int(mask.sum())
        assert mask_pixel_scores(prob[None]).item() == score.item()
    if head != 'MaskIoUHead':
        for instances in found:
            assert torch.equal(instances.mask_scores, fuse_quality(instances.scores, 1, instances.pixel_scores, (1, 0, 1)))


@pytest.mark.parametrize('head', [head for head in CONFIGS if 'SOLO' in head])
def test_masks_smaller_than_the_stride_of_their_level_are_left_out_as_by_mmdet(head):
    cfg = small_model(head, nms_pre=1000, max_per_img=1000)
    plain = build(cfg)
    twin = build(quality_aware(cfg), like=plain)
    numbers = []
    for last in (100, 140):  # the maps have 16x16 pixels
        plain.mask_head.strides = twin.mask_head.strides = [256, 256, 256, 256 - last, last]
        expected, found = (torch.cat([image.scores for image in predict(model)]) for model in (plain, twin))
        assert torch.equal(found, expected)
        numbers.append(len(found))
    assert numbers[0] != numbers[1]


@pytest.mark.parametrize('head', CUT_BY_CONFIG)
def test_pixel_scores_are_ratios_of_mmdets_own_masks(head):
    skip_where_mmdet_errs(head)
    plain = build(small_model(head))
    found = predict(build(quality_aware(small_model(head)), like=plain))
    pixel = torch.cat([instances.pixel_scores for instances in found])
    areas = []
    for tau in (0.75 - 1e-7, 0.25 - 1e-7):  # some heads cut at > and not at >=
        cut = build(small_model(head, mask_thr=tau, mask_thr_binary=tau), like=plain)
        areas.append(torch.cat([instances.masks.sum((1, 2)) for instances in predict(cut)]))
    torch.testing.assert_close(pixel, areas[0] / areas[1].clamp(min=1), rtol=1e-6, atol=0)


def test_all_heads_have_the_layers_of_mmdets_own(pair):
    head, plain, twin = pair
    assert any(isinstance(module, TWINS[head]) for module in twin.modules())
    assert not any(isinstance(module, tuple(TWINS.values())) for module in plain.modules())
    assert list(twin.state_dict()) == list(plain.state_dict())


def test_a_picture_without_detections_has_empty_scores(pair):
    head, plain, _ = pair
    cfg = small_model(head, score_thr=1.0, filter_thr=2.0)
    twin = build(quality_aware(cfg), like=plain)
    found = predict(twin)
    if head in ('MaskFormerFusionHead', 'DynamicMaskHead'):  # they have no threshold
        assert all(len(instances.mask_scores) for instances in found)
        return
    for expected, instances in zip(predict(build(cfg, like=plain)), found):
        assert len(instances) == 0
        for key, value in expected.items():
            assert instances[key].dtype == value.dtype
            assert instances[key].shape == value.shape
        if not hasattr(twin, 'roi_head'):  # a RoI head asks its mask head for nothing in a batch without detections
            assert instances.mask_scores.shape == instances.pixel_scores.shape == (0,)


def test_every_twin_is_tested():
    assert set(CONFIGS) == set(TWINS)


def roi_head(**quality):
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(dict(type='mmqanet.QualityAwareFCNMaskHead', num_convs=0, in_channels=4, num_classes=2,
                                 quality=quality))


def detections(boxes, scores=None):
    boxes = torch.tensor(boxes).reshape(-1, 4)
    return InstanceData(bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long),
                        scores=torch.full((len(boxes),), 0.64) if scores is None else torch.tensor(scores))


def paste(head, logits, instances, threshold=0.5):
    found, = head.predict_by_feat([logits], [instances], [META], ConfigDict(mask_thr_binary=threshold), rescale=False)
    return found


def test_boxes_beyond_the_image():
    sharp = torch.full((4, 2, 28, 28), 9.0)
    boxes = [[-30.0, -20, 40, 30], [-90, 0, -40, 30], [0, 200, 30, 260], [50, 20, 97, 90]]
    found = paste(roi_head(), sharp, detections(boxes))
    assert found.masks.sum((1, 2)).tolist() == [40 * 30, 0, 0, (64 - 50) * (60 - 20)]
    assert found.pixel_scores[[1, 2]].tolist() == found.mask_scores[[1, 2]].tolist() == [0, 0]
    assert found.mask_scores[[0, 3]].min() > 0.75


def test_no_box_among_others_with_some():
    found = roi_head().predict_by_feat(
        [torch.zeros(0, 2, 28, 28), torch.zeros(1, 2, 28, 28)], [detections([]), detections([0.0, 0, 9, 9])], [META, META],
        ConfigDict(mask_thr_binary=0.5), rescale=False)
    assert [len(instances.mask_scores) for instances in found] == [0, 1]


def test_nan_reaches_no_threshold_and_is_refused_as_a_score():
    logits = torch.full((2, 2, 28, 28), 9.0)
    logits[0] = float('nan')
    boxes = [[0.0, 0, 30, 30], [0, 0, 30, 30]]
    found = paste(roi_head(), logits, detections(boxes))
    assert found.mask_scores[0] == 0 < found.mask_scores[1]
    with pytest.raises(InputError, match='mask_scores: the network gives a detection the box score NaN'):
        paste(roi_head(), logits, detections(boxes, [float('nan'), 0.5]))


def test_maps_of_rois_are_scored_as_by_the_recorded_release(golden_dir):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'mask_qam_a.json').read_text())
    width, height = facts['image_wh']
    with np.load(folder / 'mask_qam_a.npz') as arrays:
        probs = torch.from_numpy(arrays['rcnn28_probs_u16'].astype(np.float32) / 65535)[0, :, None].repeat(1, 2, 1, 1)
        instances = detections(arrays['rcnn28_boxes_xyxy'].tolist(), arrays['bbox_scores'].tolist())
        masks, safe = (np.unpackbits(arrays[f'rcnn28_{name}'])[:6 * width * height].reshape(6, height, width).astype(bool)
                       for name in ('masks', 'mask_safe'))
        pixel = torch.from_numpy(arrays['rcnn28_pixel_scores_tau0.25'])
        fused = torch.from_numpy(arrays['rcnn28_fused'][facts['weights'].index([1, 0, 1])])
    meta = dict(img_shape=(height, width), ori_shape=(height, width), scale_factor=(1.0, 1.0))
    found, = roi_head().predict_by_feat(
        [probs], [instances], [meta], ConfigDict(mask_thr_binary=0.5), rescale=True, activate_map=True)
    torch.testing.assert_close(found.pixel_scores.double(), pixel.double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(found.mask_scores.double(), fused.double(), rtol=0, atol=1e-6)
    assert not ((found.masks.numpy() != masks) & safe).any()


def test_a_map_of_half_confidence_has_no_quality_by_ratio_and_its_mean_by_mean():
    logits = torch.full((1, 2, 28, 28), 0.4)
    box = [4.0, 4, 40, 40]
    assert paste(roi_head(), logits, detections(box)).mask_scores.item() == 0
    mean = paste(roi_head(mode='mean', threshold=0.5), logits, detections(box)).pixel_scores.item()
    assert mean == pytest.approx(torch.tensor(0.4).sigmoid().item(), abs=0.02)


def test_at_threshold_0_the_mean_is_over_the_whole_image():
    logits = torch.full((1, 2, 28, 28), 9.0)
    found = paste(roi_head(mode='mean', threshold=0.0), logits, detections([10.0, 10, 20, 20]))
    assert found.pixel_scores.item() == pytest.approx(100 / (60 * 64), rel=0.02)


def test_mmdets_maps_for_debugging_stay():
    found = paste(roi_head(), torch.full((1, 2, 28, 28), 9.0), detections([10.0, 10, 20, 20]), threshold=-1)
    assert found.masks.dtype == torch.uint8
    assert found.masks.max() == 254


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_maps_of_rois_in_half_precision_are_cut_as_by_mmdet(dtype):
    with DefaultScope.overwrite_default_scope('mmdet'):
        plain = MODELS.build(dict(type='FCNMaskHead', num_convs=0, in_channels=4, num_classes=2))
    logits = (torch.randn(3, 2, 28, 28, generator=torch.Generator().manual_seed(0)) * 4).to(dtype)
    boxes = [[4.0, 4, 40, 40], [-9, 20, 30, 70], [50, 20, 97, 90]]
    expected, found = paste(plain, logits, detections(boxes)), paste(roi_head(), logits, detections(boxes))
    assert torch.equal(found.masks, expected.masks)
    assert found.mask_scores.dtype == torch.float32
    exact = paste(roi_head(), logits.float(), detections(boxes))
    torch.testing.assert_close(found.mask_scores, exact.mask_scores, rtol=0, atol=0.02)
    assert found.mask_scores.min() > 0.1


@pytest.mark.parametrize('quality', [{}, dict(mode='mean', threshold=0.0)])
def test_a_gpu_pastes_whole_images_some_at_once_with_the_same_result(monkeypatch, quality):
    logits = torch.randn(5, 2, 28, 28, generator=torch.Generator().manual_seed(0)) * 4
    boxes = [[4.0, 4, 40, 40], [-90, 0, -40, 30], [-9, 20, 30, 70], [50, 20, 97, 90], [0, 0, 64, 60]]
    expected = paste(roi_head(**quality), logits, detections(boxes))
    calls = []
    head = roi_head(**quality)
    monkeypatch.setattr(head, '_pastes_windows', lambda boxes: False)
    monkeypatch.setattr(roi_mask_heads, 'GPU_MEM_LIMIT', 2 * 60 * 64 * 4)
    measure = MaskQuality.measure
    monkeypatch.setattr(MaskQuality, 'measure', lambda self, probs, **size: calls.append(probs.shape) or measure(
        self, probs, **size))
    found = paste(head, logits, detections(boxes))
    assert calls == [(2, 60, 64), (2, 60, 64), (1, 60, 64)]
    assert torch.equal(found.masks, expected.masks)
    torch.testing.assert_close(found.mask_scores, expected.mask_scores, rtol=0, atol=1e-6)
    assert found.mask_scores[[0, 2, 3, 4]].min() > 0


def test_scores_can_be_the_qualities():
    logits = torch.randn(3, 2, 28, 28, generator=torch.Generator().manual_seed(0)) * 4
    boxes = [[4.0, 4, 40, 40]] * 3
    beside = paste(roi_head(), logits, detections(boxes))
    instead = paste(roi_head(replace_scores=True), logits, detections(boxes))
    assert beside.scores.tolist() == pytest.approx([0.64] * 3)
    assert torch.equal(instead.scores, beside.mask_scores)
    assert torch.equal(instead.box_scores, beside.scores)


def test_statistics_for_other_settings_can_be_kept():
    logits = torch.randn(3, 2, 28, 28, generator=torch.Generator().manual_seed(0)) * 4
    boxes = [[4.0, 4, 40, 40]] * 3
    kept = paste(roi_head(keep=(0.4, 0.6)), logits, detections(boxes))
    other = paste(roi_head(threshold=0.4), logits, detections(boxes))
    assert (kept.mask_counts[:, 1] / kept.mask_counts[:, 0]).tolist() == pytest.approx(other.pixel_scores.tolist())
    mean = paste(roi_head(threshold=0.6, mode='mean'), logits, detections(boxes)).pixel_scores
    assert (kept.mask_sums[:, 1] / kept.mask_counts[:, 1]).tolist() == pytest.approx(mean.tolist())
    assert torch.equal(kept.box_scores, kept.scores)


def test_mask_scoring_rcnn_has_its_iou_as_iou_score():
    cfg = small_model('MaskIoUHead')
    plain = build(cfg)
    twin = build(quality_aware(cfg, weights=(1, 2, 3)), like=plain)
    iou_head, before = twin.roi_head.mask_iou_head, {}

    def spy(mask_iou_preds, results_list):
        before.update(box=[results.scores for results in results_list], iou=mask_iou_preds)
        return type(iou_head).predict_by_feat(iou_head, mask_iou_preds, results_list)

    iou_head.predict_by_feat = spy
    for image, found in enumerate(predict(twin)):
        iou = before['iou'][image][range(12), found.labels]
        assert torch.equal(found.mask_scores, fuse_quality(before['box'][image], iou, found.pixel_scores, (1, 2, 3)))
        assert torch.equal(found.scores, before['box'][image] * iou)


def test_mask_scoring_rcnn_counts_the_pixel_score_once_where_scores_are_replaced():
    cfg = small_model('MaskIoUHead')
    plain = build(cfg)
    torch.nn.init.constant_(plain.roi_head.mask_iou_head.fc_mask_iou.bias, 0.5)
    beside = predict(build(quality_aware(cfg, mode='mean'), like=plain))
    instead = predict(build(quality_aware(cfg, mode='mean', replace_scores=True), like=plain))
    for one, other in zip(beside, instead):
        assert one.mask_scores.min() > 0
        assert torch.equal(other.mask_scores, one.mask_scores)
        assert torch.equal(other.scores, one.mask_scores)


def test_mask_scoring_rcnn_needs_both_heads():
    cfg = small_model('MaskIoUHead')
    cfg.roi_head.mask_iou_head.type = 'mmqanet.QualityAwareMaskIoUHead'
    with pytest.raises(InputError, match='the mask head must be QualityAwareFCNMaskHead'):
        predict(build(cfg))


@pytest.mark.parametrize('head', ['SOLOV2Head', 'MaskFormerFusionHead'])
def test_the_class_score_alone_as_box_score(head):
    cfg = small_model(head)
    plain = build(cfg)
    final = predict(build(quality_aware(cfg, weights=(1, 0, 0)), like=plain))
    alone = predict(build(quality_aware(cfg, weights=(1, 0, 0), box_score='class'), like=plain))
    for one, other in zip(final, alone):
        assert torch.equal(one.scores, other.scores)
        assert torch.equal(one.mask_scores, one.scores)
        assert (other.mask_scores > one.mask_scores).all()  # a mean confidence below 1 is left out


def test_the_pixel_score_in_the_place_of_maskness_goes_through_suppression():
    cfg = small_model('SOLOV2Head')
    plain = build(cfg)
    found = predict(build(quality_aware(cfg, box_score='pixel'), like=plain))
    for instances, usual in zip(found, predict(plain)):
        assert torch.equal(instances.mask_scores, instances.scores)
        assert not torch.equal(instances.scores, usual.scores)


@pytest.mark.parametrize(('quality', 'message'), [
    (dict(weights=(1, 1)), r'quality: weights must be three finite numbers >= 0 with a positive sum, got \(1.0, 1.0\)'),
    (dict(weights=(0, 0, 0)), 'quality: weights must be three'),
    (dict(weights=5), 'quality: weights must be three finite numbers .* got 5'),
    (dict(weights='1,0,1'), "quality: weights must be three finite numbers .* got '1,0,1'"),
    (dict(threshold='0.2'), r'quality: threshold must be in \[0, 1\], got 0.2'),
    (dict(threshold=0.7), r"quality: threshold must be in \[0, 0.5\] for mode 'ratio', got 0.7"),
    (dict(mode='sum'), r"quality: mode must be one of \('ratio', 'mean'\), got 'sum'"),
    (dict(tau=0.2), "quality: unknown setting 'tau'; known are weights, threshold, mode"),
    (dict(box_score='nms'), r"quality: box_score must be one of \('final', 'class', 'pixel'\), got 'nms'"),
    (dict(box_score='class'), r"quality: box_score of this head must be one of \('final',\), got 'class'"),
    (dict(keep=(0.5, 2)), r'quality: a threshold to keep must be in \[0, 1\], got 2'),
])
def test_bad_settings_are_named(quality, message):
    with pytest.raises(InputError, match=message):
        roi_head(**quality)

"""Boxes that name their last pixel, against pixel counting and numbers worked out by hand."""
import math

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

pytest.importorskip('mmdet')
from mmqanet.models.on_mmdet import (
    DetectronAnchorGenerator,
    DetectronAssigner,
    DetectronBoxCoder,
    DetectronOverlaps,
    DetectronRoIExtractor,
)


def whole_boxes(number: int, *, seed: int) -> torch.Tensor:
    corners = np.random.default_rng(seed).integers(0, 20, (number, 2, 2))
    return torch.from_numpy(np.concatenate([corners.min(1), corners.max(1)], axis=1).astype(np.float32))


def pixels(box: torch.Tensor) -> np.ndarray:
    x1, y1, x2, y2 = box.int().tolist()
    mask = np.zeros((20, 20), bool)
    mask[y1:y2 + 1, x1:x2 + 1] = True
    return mask


def test_the_iou_counts_pixels():
    first, second = whole_boxes(9, seed=0), whole_boxes(7, seed=1)
    expected = [[(pixels(a) & pixels(b)).sum() / (pixels(a) | pixels(b)).sum() for b in second] for a in first]
    np.testing.assert_allclose(DetectronOverlaps()(first, second).numpy(), expected, rtol=1e-6)
    assert DetectronOverlaps()(first[:0], second).shape == (0, 7)
    with pytest.raises(NotImplementedError):
        DetectronOverlaps()(first, second, mode='iof')


@pytest.mark.parametrize(('stride', 'sides'), [
    (4, [(48, 24), (32, 32), (24, 48)]), (16, [(184, 96), (128, 128), (88, 176)]),
    (64, [(728, 368), (512, 512), (360, 720)])])
def test_anchors_are_rounded_on_a_window_of_one_stride(stride, sides):
    generator = DetectronAnchorGenerator(strides=[stride], scales=[8], ratios=[0.5, 1.0, 2.0])
    anchors, = generator.base_anchors
    assert (anchors[:, 2:] - anchors[:, :2] + 1).tolist() == [list(map(float, side)) for side in sides]
    assert (anchors[:, :2] + anchors[:, 2:]).tolist() == [[stride - 1, stride - 1]] * 3


def test_deltas_are_taken_back():
    coder = DetectronBoxCoder(target_means=[0.0] * 4, target_stds=[0.1, 0.1, 0.2, 0.2])
    boxes, targets = whole_boxes(12, seed=2), whole_boxes(12, seed=3)
    torch.testing.assert_close(coder.decode(boxes, coder.encode(boxes, targets)), targets, atol=1e-4, rtol=0)
    one, other = torch.tensor([[0, 0, 9, 19.0]]), torch.tensor([[5, 0, 24, 19.0]])  # 10×20 around 5, 20×20 around 15
    torch.testing.assert_close(coder.encode(one, other), torch.tensor([[1 / 0.1, 0, math.log(2) / 0.2, 0]]))


def test_decoded_boxes_end_on_the_last_pixel_and_grow_a_limited_amount():
    coder = DetectronBoxCoder(target_means=[0.0] * 4, target_stds=[1.0] * 4)
    box, huge = torch.tensor([[10, 10, 25, 25.0]]), torch.tensor([[0, 0, 9, 9.0]])
    assert coder.decode(box, huge, max_shape=(40, 30)).tolist() == [[0, 0, 29, 39]]
    wide = coder.decode(box, huge)[0]
    assert (wide[2] - wide[0] + 1).item() == pytest.approx(16 * 1000 / 16, rel=1e-5)


def test_a_person_without_a_good_box_gets_its_best_ones():
    boxes = torch.tensor([[0, 0, 9, 9], [0, 0, 19, 9], [50, 50, 59, 59], [0, 0, 9, 9.0]])
    people = InstanceData(bboxes=torch.tensor([[0, 0, 9, 9], [0, 0, 19, 19], [200, 200, 209, 209.0]]),
                          labels=torch.zeros(3, dtype=torch.long))
    settings = dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3, ignore_iof_thr=-1)
    low = DetectronAssigner(**settings, match_low_quality=True).assign(InstanceData(priors=boxes), people)
    # Box 1 covers half of each of the first two; it is the second one's best, ties with the first go to the first.
    assert low.gt_inds.tolist() == [1, 1, 0, 1]
    high = DetectronAssigner(**settings, match_low_quality=False).assign(InstanceData(priors=boxes), people)
    assert high.gt_inds.tolist() == [1, -1, 0, 1]
    nobody = DetectronAssigner(**settings).assign(InstanceData(priors=boxes), people[:0])
    assert nobody.gt_inds.tolist() == [0, 0, 0, 0]


def test_levels_change_at_whole_sides():
    extractor = DetectronRoIExtractor(
        roi_layer=dict(type='RoIAlign', output_size=7), out_channels=8, featmap_strides=[4, 8, 16, 32])
    sides = torch.tensor([1, 111, 112, 223, 224, 447, 448, 5000])
    rois = torch.stack([torch.zeros(8), torch.zeros(8), torch.zeros(8), sides - 1, sides - 1], dim=1)
    assert extractor.map_roi_levels(rois, 4).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_features_of_regions_do_not_depend_on_the_memory_layout():
    extractor = DetectronRoIExtractor(
        roi_layer=dict(type='RoIAlign', output_size=3, sampling_ratio=2), out_channels=5, featmap_strides=[4, 8])
    feats = tuple(torch.rand(2, 5, size, size, generator=torch.Generator().manual_seed(size)) for size in (16, 8))
    rois = torch.tensor([[0, 4, 6, 30, 40], [1, 10.5, 10, 60, 50]])
    turned = tuple(level.contiguous(memory_format=torch.channels_last) for level in feats)
    assert torch.equal(extractor(turned, rois), extractor(feats, rois))

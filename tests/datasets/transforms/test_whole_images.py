"""Augmentations of pictures with boxes: where a rectangle goes, and which people stay."""
import cv2
import numpy as np
import pytest
import torch

from mmqanet.datasets.transforms import IgnoreSmallBoxes, RandomAspect
from mmqanet.errors import InputError

HorizontalBoxes = pytest.importorskip('mmdet.structures.bbox').HorizontalBoxes
BOX = [60, 30, 120, 110]


def picture():
    image = np.zeros((160, 200, 3), np.uint8)
    cv2.rectangle(image, (BOX[0], BOX[1]), (BOX[2] - 1, BOX[3] - 1), (255, 255, 255), -1)
    return dict(img=image, img_shape=image.shape[:2], gt_bboxes=HorizontalBoxes(torch.tensor([BOX], dtype=torch.float32)))


def test_boxes_follow_the_stretched_picture():
    np.random.seed(0)
    ratios = []
    for _ in range(30):
        results = RandomAspect(max_ratio=1.4).transform(picture())
        height, width = results['img_shape']
        assert results['img'].shape == (height, width, 3)
        assert abs(width * height / (160 * 200) - 1) < 0.02
        ratios.append(width / height / (200 / 160))
        rows, columns = np.nonzero(results['img'][..., 0] > 127)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(results['gt_bboxes'].tensor[0].numpy(), seen, atol=1)
    assert 1 / 1.42 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 1.42


@pytest.mark.parametrize('transform', [RandomAspect(prob=0.0), RandomAspect(max_ratio=1.0)])
def test_without_a_change_nothing_changes(transform):
    results, before = transform.transform(picture()), picture()
    assert np.array_equal(results['img'], before['img'])
    assert torch.equal(results['gt_bboxes'].tensor, before['gt_bboxes'].tensor)


def test_a_picture_without_boxes_is_stretched_too():
    np.random.seed(1)
    results = RandomAspect(max_ratio=2.0).transform(dict(img=np.zeros((10, 10, 3), np.uint8)))
    assert results['img_shape'] == results['img'].shape[:2] != (10, 10)


def test_small_people_become_ignored_and_nobody_is_lost():
    boxes = HorizontalBoxes(torch.tensor([[0, 0, 6, 6], [0, 0, 5.9, 40], [0, 0, 40, 5.9], [0, 0, 40, 40.0]]))
    results = IgnoreSmallBoxes(min_size=6).transform(
        dict(gt_bboxes=boxes, gt_ignore_flags=np.array([False, False, False, True])))
    assert results['gt_ignore_flags'].tolist() == [False, True, True, True]
    assert len(results['gt_bboxes']) == 4


@pytest.mark.parametrize(('kind', 'options', 'match'), [
    (RandomAspect, dict(max_ratio=0.9), 'max_ratio'), (RandomAspect, dict(prob=1.5), 'prob'),
    (IgnoreSmallBoxes, dict(min_size=-1), 'min_size'), (IgnoreSmallBoxes, dict(min_size=float('nan')), 'min_size')])
def test_arguments_out_of_range_are_refused(kind, options, match):
    with pytest.raises(InputError, match=match):
        kind(**options)

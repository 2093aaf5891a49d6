"""Augmentations of pictures with boxes: where a rectangle goes, and which people stay."""
import cv2
import numpy as np
import pytest
import torch

from mmqanet.datasets.transforms import IgnoreSmallBoxes, ImagesAtScales, RandomAspect, RandomMirror, RandomShortSide
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


def test_the_short_side_of_a_test_picture_is_800_and_the_long_one_1333_at_most():
    for shape, expected in (((400, 500), (800, 1000)), ((500, 400), (1000, 800)), ((300, 1333), (300, 1333))):
        scaled, = ImagesAtScales().transform(dict(img=np.zeros((*shape, 3), np.uint8)))['scaled_images']
        assert scaled.shape[:2] == expected


def test_a_picture_without_boxes_is_stretched_too():
    np.random.seed(1)
    results = RandomAspect(max_ratio=2.0).transform(dict(img=np.zeros((10, 10, 3), np.uint8)))
    assert results['img_shape'] == results['img'].shape[:2] != (10, 10)


def test_a_row_of_pixels_stays_one():
    np.random.seed(2)
    for shape in ((1, 9, 3), (9, 1, 3), (1, 1, 3)):
        for _ in range(20):
            assert min(RandomAspect(max_ratio=16.0).transform(dict(img=np.zeros(shape, np.uint8)))['img_shape']) >= 1


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


# -- images of parsers -----------------------------------------------------------------------------------------------------


def scene(height=60, width=100):
    """An image with two people, left of class 1 and right of class 2."""
    human = np.zeros((height, width), np.int32)
    human[10:50, 10:40], human[20:60, 50:90] = 1, 2
    return dict(img=np.repeat((human * 100).astype(np.uint8)[..., None], 3, axis=2), human_map=human,
                category_map=human.astype(np.uint8), flip_pairs=[(1, 2)],
                bboxes=np.array([[10, 10, 40, 50], [50, 20, 90, 60]], np.float32))


def seen_boxes(results) -> list[list[int]]:
    boxes = []
    for person in (1, 2):
        rows, columns = np.nonzero(results['human_map'] == person)
        boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return boxes


@pytest.mark.parametrize(('size', 'expected'), [
    ((60, 100), (800, 1333)), ((100, 60), (1333, 800)), ((60, 90), (800, 1200)), ((480, 640), (800, 1067)),
    ((30, 300), (133, 1330))])
def test_the_short_side_is_given_and_the_long_one_limited(size, expected):
    results = ImagesAtScales(short_side=800, long_side=1333).transform(dict(img=np.zeros((*size, 3), np.uint8)))
    image, = results['scaled_images']
    assert image.shape == (*expected, 3)
    assert image.dtype == np.float32


def test_other_scales_have_a_limit_of_their_own():
    transform = ImagesAtScales(short_side=60, long_side=110, scales=(1.0, 0.5, 2.0), augmented_long_side=150)
    images = transform.transform(scene())['scaled_images']
    assert [image.shape[:2] for image in images] == [(60, 100), (30, 50), (90, 150)]
    np.testing.assert_array_equal(images[0], scene()['img'])


@pytest.mark.parametrize('backend', ['pillow', 'cv2'])
def test_people_follow_the_resized_image(backend):
    np.random.seed(0)
    sizes = set()
    for _ in range(12):
        results = RandomShortSide(short_sides=(30, 120), long_side=160, backend=backend).transform(scene())
        sizes.add(results['img_shape'])
        assert results['img'].shape[:2] == results['category_map'].shape == results['human_map'].shape
        np.testing.assert_allclose(results['bboxes'], seen_boxes(results), atol=1)
        assert set(np.unique(results['category_map'])) == {0, 1, 2}
    assert sizes == {(30, 50), (96, 160)}


def test_a_mirrored_image_has_its_sides_exchanged():
    before, results = scene(), RandomMirror(prob=1.0).transform(scene())
    np.testing.assert_array_equal(results['img'], before['img'][:, ::-1])
    np.testing.assert_array_equal(results['bboxes'], seen_boxes(results))  # each person keeps its id
    assert results['category_map'][results['human_map'] == 1].tolist() == [2] * 1200
    assert results['category_map'][results['human_map'] == 2].tolist() == [1] * 1600
    np.testing.assert_array_equal(RandomMirror(prob=0.0).transform(scene())['img'], before['img'])


@pytest.mark.parametrize(('kind', 'options', 'match'), [
    (RandomMirror, dict(prob=-0.1), 'prob'), (RandomShortSide, dict(short_sides=()), 'short_side'),
    (RandomShortSide, dict(short_sides=(0, 9)), 'short_side'), (ImagesAtScales, dict(long_side=0), 'long_side')])
def test_impossible_sizes_are_refused(kind, options, match):
    with pytest.raises(InputError, match=match):
        kind(**options)

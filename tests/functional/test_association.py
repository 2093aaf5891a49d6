"""How people are compared, against counting pixels of whole images."""
import numpy as np
import pytest

from mmqanet.functional.association import (
    PartColours,
    Sighting,
    box_iou,
    class_changes,
    likenesses,
    mask_iou,
    similarities,
)

RNG = np.random.default_rng(0)


def look(shares=(0, 1, 0), colours=((0, 0, 0), (10, 20, 30), (0, 0, 0))):
    return PartColours(np.array(shares, float), np.array(colours, float))


PLAIN = look()


def sighting(x, y, mask, look=PLAIN):
    height, width = mask.shape
    return Sighting(np.array([x, y, x + width, y + height], float), mask, np.array([y, x]), look)


def whole(crop, corner, shape=(40, 40)):
    image = np.zeros(shape, crop.dtype)
    image[corner[0]:corner[0] + crop.shape[0], corner[1]:corner[1] + crop.shape[1]] = crop
    return image


def crops():
    for _ in range(20):
        sides, corner = RNG.integers(4, 20, 2), RNG.integers(0, 20, 2)
        yield RNG.integers(0, 3, sides).astype(np.uint8), corner


@pytest.mark.parametrize(('other', 'expected'), [
    ((0, 0, 10, 10), 1), ((5, 0, 15, 10), 1 / 3), ((10, 0, 20, 10), 0), ((12, 12, 14, 14), 0), ((2, 2, 4, 4), 0.04)])
def test_iou_of_boxes(other, expected):
    box = np.array([0, 0, 10, 10.])
    assert box_iou(box, np.array(other, float)) == pytest.approx(expected)
    assert box_iou(np.array(other, float), box) == pytest.approx(expected)
    assert box_iou(box[[0, 0, 0, 0]], box[[0, 0, 0, 0]]) == 0


def test_masks_and_classes_are_compared_in_the_image():
    overlaps = 0
    for (one, corner), (other, other_corner) in zip(crops(), crops()):
        first, second = whole(one, corner), whole(other, other_corner)
        common = (first > 0) & (second > 0)
        overlaps += common.any()
        value = mask_iou(sighting(corner[1], corner[0], one > 0), sighting(other_corner[1], other_corner[0], other > 0))
        assert value == pytest.approx(common.sum() / ((first > 0) | (second > 0)).sum())
        assert class_changes(one, corner, other, other_corner) == ((common & (first != second)).sum(), common.sum())
    assert overlaps > 5


def test_a_mask_may_leave_the_image_as_it_moves():
    person = sighting(2, 3, np.ones((6, 4), bool))
    gone = person.moved(np.array([-5.4, 1.0]))
    assert gone.box == pytest.approx([-3.4, 4, 0.6, 10])
    assert gone.corner.tolist() == [4, -3]
    assert mask_iou(person, person.moved(np.array([2, 0]))) == pytest.approx(1 / 3)


def test_the_similarity_is_the_mean_of_mask_and_box():
    half = np.zeros((10, 10), bool)
    half[:, :5] = True
    values = similarities([sighting(0, 0, half), sighting(100, 0, half)], [sighting(0, 0, ~half), sighting(100, 0, half)])
    assert values.tolist() == [[0.5, 0], [0, 1]]


def test_part_colours_are_means_over_the_pixels_of_each_class():
    image, labels = RNG.integers(0, 256, (9, 7, 3)).astype(np.uint8), RNG.integers(0, 3, (9, 7)).astype(np.uint8)
    colours = PartColours.of(image, labels, 4)
    for label in (1, 2):
        assert colours.shares[label] == pytest.approx((labels == label).sum() / (labels > 0).sum())
        assert colours.colours[label] == pytest.approx(image[labels == label].mean(axis=0))
    assert colours.shares[[0, 3]].tolist() == [0, 0]


def test_likeness_is_of_the_parts_that_both_show():
    green, red = (0, 200, 0), (0, 0, 200)
    one = look((0, 0.5, 0.5), ((0, 0, 0), green, red))
    assert one.likeness(one) == 1
    assert one.likeness(look((0, 1, 0), ((0, 0, 0), green, green))) == 1
    assert one.likeness(look((0, 0.5, 0.5), ((0, 0, 0), green, green))) == pytest.approx(0.5, abs=1e-3)
    assert look((0, 1, 0)).likeness(look((0, 0, 1))) == 0
    nobody = PartColours.of(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8), 3)
    assert nobody.likeness(one) == 0


def test_likeness_counts_within_reach():
    here, near, far = (sighting(x, 0, np.ones((10, 4), bool)) for x in (0, 9, 11))
    assert likenesses([here], [near, far], reach=1).tolist() == [[1, 0]]

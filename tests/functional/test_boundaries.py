"""Boundary IoU and trimap IoU, against OpenCV's erosion class by class and a search around every pixel."""
import cv2
import numpy as np
import pytest

from mmqanet.errors import InputError
from mmqanet.functional.boundaries import boundary_counts, near_other_class, trimap_counts


def random_maps(seed, *, size=(41, 53), num_classes=4):
    """An annotation of blocks, and a prediction that is it, shifted, with some blocks of its own."""
    rng = np.random.default_rng(seed)
    label = np.kron(rng.integers(0, num_classes, (6, 6)), np.ones((9, 9), int))[:size[0], :size[1]]
    pred = np.roll(label, rng.integers(-2, 3, 2), axis=(0, 1))
    pred[rng.integers(0, 30):, rng.integers(0, 40):][:8, :8] = rng.integers(0, num_classes)
    return pred.astype(np.uint8), label.astype(np.uint8)


def eroded_border(mask, reach):
    """The pixels of a mask that erosion takes away, what is outside the image being outside the mask."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return mask & (cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=reach)[1:-1, 1:-1] == 0)


@pytest.mark.parametrize(('ratio', 'reach'), [(0.02, 1), (0.05, 3), (0.3, 20)])
def test_boundary_counts_are_those_of_each_class_eroded(ratio, reach):
    for seed in range(5):
        pred, label = random_maps(seed)
        counts = boundary_counts(pred, label, 4, ratio=ratio)
        for index in range(4):
            ours, theirs = (eroded_border(values == index, reach) for values in (pred, label))
            assert counts[:, index].tolist() == [(ours & theirs).sum(), (ours | theirs).sum()]


def searched(label, reach, num_classes):
    """Near another known class, pixel by pixel."""
    near = np.zeros(label.shape, dtype=bool)
    for y, x in np.ndindex(*label.shape):
        square = label[max(y - reach, 0):y + reach + 1, max(x - reach, 0):x + reach + 1]
        near[y, x] = label[y, x] < num_classes and len(set(square[square < num_classes])) > 1
    return near


@pytest.mark.parametrize('reach', [1, 2, 5, 60])
def test_trimap_counts_are_those_of_a_search(reach):
    for seed in range(3):
        pred, label = random_maps(seed, size=(23, 31))
        label[4:9, 6:20] = 255
        near = searched(label, reach, 4)
        assert (near_other_class(label, reach, known=label < 4) == near).all()
        counts = trimap_counts(pred, label, 4, reach=reach)
        for index in range(4):
            ours, theirs = (near & (values == index) for values in (pred, label))
            assert counts[:, index].tolist() == [(ours & theirs).sum(), (ours | theirs).sum()]


def test_ignored_pixels_count_nowhere_and_make_no_border():
    label = np.ones((40, 40), np.uint8)
    label[10:20, 10:20] = 255
    pred = np.where(label == 255, 2, 1).astype(np.uint8)
    assert not trimap_counts(pred, label, 3, reach=4).any()
    counts = boundary_counts(pred, label, 3, ratio=0.05)
    assert counts.tolist() == [[0, 40 * 40 - 34 * 34, 0]] * 2  # the frame alone, 3 pixels wide
    other = np.where(label == 255, 0, 1).astype(np.uint8)
    assert (boundary_counts(other, label, 3, ratio=0.05) == counts).all()


def test_a_large_square_off_by_one_pixel():
    """200 pixels wide: IoU says 99.5 percent, Boundary IoU within 3 pixels far less, the trimap of 2 pixels less still."""
    label, pred = np.zeros((300, 300), np.uint8), np.zeros((300, 300), np.uint8)
    label[50:250, 50:250] = pred[50:250, 51:251] = 1
    inter, union = boundary_counts(pred, label, 2, ratio=3 / np.hypot(300, 300))[:, 1]
    ring = 200 * 200 - 194 * 194
    lost = 200 + 194  # the left side's outer column, the right side's inner one
    assert (inter, union) == (ring - lost, ring + lost)
    inside, both = trimap_counts(pred, label, 2, reach=2)[:, 1]
    rim = 200 * 200 - 196 * 196
    assert (inside, both) == (rim - 200, rim + 200)


def test_maps_smaller_than_the_reach_and_empty_ones():
    pred, label = np.array([[0, 1]], np.uint8), np.array([[0, 0]], np.uint8)
    assert boundary_counts(pred, label, 2, ratio=5).tolist() == [[1, 0], [2, 1]]
    assert boundary_counts(np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8), 2).tolist() == [[0, 0]] * 2


def test_what_does_not_fit_is_refused():
    pred, label = random_maps(0)
    with pytest.raises(InputError, match='differ in shape'):
        boundary_counts(pred[1:], label, 4)
    with pytest.raises(InputError, match='pred holds class 5'):
        trimap_counts(np.full_like(pred, 5), label, 5, reach=2)

"""Surroundings without the person: mirrored real pixels, joined where they differ least."""
from itertools import pairwise, product

import numpy as np
import pytest

from mmqanet.preparation.crowds.backdrop import cheapest_path, clear, reflect


def test_the_person_is_gone_and_the_rest_untouched(photo):
    empty = clear(photo.image, photo.mask)
    columns = np.flatnonzero(photo.mask.any(axis=0))
    near = slice(columns[0], columns[-1] + 1)
    assert (photo.image[:, near, 2] > 150).any()
    assert (empty[..., 2] < 100).all(), 'nothing red is left'
    np.testing.assert_array_equal(empty[:, :columns[0] - 14], photo.image[:, :columns[0] - 14])
    np.testing.assert_array_equal(empty[:, columns[-1] + 15:], photo.image[:, columns[-1] + 15:])


def test_what_is_filled_in_continues_both_sides():
    image = np.zeros((40, 200, 3), np.uint8)
    image[:] = np.arange(200)[:, None]  # a ramp: a mirror is seen in the values
    mask = np.zeros((40, 200), bool)
    mask[10:30, 90:110] = True
    row = clear(image, mask)[20, :, 0].astype(int)
    assert row[76:78].tolist() == [75, 74], 'mirrored from the left'
    assert row[122:124].tolist() == [125, 124], 'mirrored from the right'
    assert set(row[76:124]) <= {*range(200)} - {*range(76, 124)} | {*range(52, 148)}


@pytest.mark.parametrize(('left', 'right', 'possible'), [(10, 70, True), (70, 10, True), (30, 30, False)])
def test_one_wide_side_is_enough(left, right, possible):
    mask = np.zeros((20, left + 40 + right), bool)
    mask[5:15, left:-right] = True
    image = np.full((*mask.shape, 3), 7, np.uint8)
    image[mask] = 200
    empty = clear(image, mask)
    assert (empty is not None) == possible
    assert not possible or (empty == 7).all()


@pytest.mark.parametrize('size', [1, 2, 5])
def test_reflect_is_symmetric_padding(size):
    padded = np.pad(np.arange(size), 7, mode='symmetric')
    np.testing.assert_array_equal(reflect(np.arange(-7, size + 7), size), padded)


def test_cheapest_path_among_all():
    cost = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    paths = [p for p in product(range(4), repeat=5) if all(abs(a - b) <= 1 for a, b in pairwise(p))]
    best = min(paths, key=lambda p: sum(cost[y, x] for y, x in enumerate(p)))
    assert tuple(cheapest_path(cost)) == best

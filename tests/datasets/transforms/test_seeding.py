import random

import numpy as np

from mmqanet.datasets import Draw
from mmqanet.datasets.transforms import SeedFromDraw


def numbers(index):
    SeedFromDraw()(dict(sample_idx=index))
    return np.random.rand(), random.random()


def test_the_stream_is_that_of_the_draw_whatever_came_before():
    first = numbers(Draw(5, (0, 1)))
    np.random.rand(7)
    assert numbers(Draw(5, (0, 1))) == first
    assert numbers(Draw(5, (0, 2))) != first
    assert numbers(Draw(6, (0, 1))) != first


def test_a_plain_index_leaves_the_generators_alone():
    np.random.seed(3)
    expected = np.random.rand(2).tolist()
    np.random.seed(3)
    assert [np.random.rand(), numbers(5)[0]] == expected

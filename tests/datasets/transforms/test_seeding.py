import random

import numpy as np

from mmqanet.datasets import SeededIndex
from mmqanet.datasets.transforms import SeedFromIndex


def numbers(index):
    SeedFromIndex()(dict(sample_idx=index))
    return np.random.rand(), random.random()


def test_the_stream_is_that_of_the_index_whatever_came_before():
    first = numbers(SeededIndex(5, (0, 1)))
    np.random.rand(7)
    assert numbers(SeededIndex(5, (0, 1))) == first
    assert numbers(SeededIndex(5, (0, 2))) != first
    assert numbers(SeededIndex(6, (0, 1))) != first


def test_a_plain_index_leaves_the_generators_alone():
    np.random.seed(3)
    expected = np.random.rand(2).tolist()
    np.random.seed(3)
    assert [np.random.rand(), numbers(5)[0]] == expected

"""Random streams: a function of seed, epoch and sample, and of nothing else."""
import pickle

import numpy as np
import pytest
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from torch.utils.data import DataLoader

from mmqanet.datasets import Draw, DrawSampler


class Dice(BaseDataset):
    """Answers each index with numbers from the generators that transforms draw from."""

    def load_data_list(self):
        return [{}] * 6

    def __getitem__(self, index):
        index.seed_generators()
        return int(index), float(np.random.random())


def rolls(epoch: int, *, workers: int = 0, seed: int = 3, dataset=None) -> dict:
    dataset = dataset or Dice()
    sampler = DrawSampler(dataset, seed=seed)
    sampler.set_epoch(epoch)
    loader = DataLoader(dataset, sampler=sampler, num_workers=workers, batch_size=1, collate_fn=lambda batch: batch[0])
    return dict(loader)


def test_streams_differ_between_samples_epochs_and_seeds():
    first, second, other_seed = rolls(0), rolls(1), rolls(0, seed=4)
    assert len({*first.values(), *second.values(), *other_seed.values()}) == 18


def test_streams_do_not_depend_on_the_number_of_workers():
    assert rolls(2) == rolls(2, workers=2)


def test_order_differs_between_epochs_and_is_reproducible():
    def order(epoch):
        sampler = DrawSampler(Dice(), seed=0)
        sampler.set_epoch(epoch)
        return [int(index) for index in sampler]

    assert order(0) == order(0)
    assert order(0) != order(1)
    assert sorted(order(1)) == list(range(6))


def test_a_draw_survives_pickling_and_index_arithmetic():
    draw = pickle.loads(pickle.dumps(Draw(7, (1, 2))))
    assert (draw, draw.entropy) == (7, (1, 2))
    assert (draw % 4, (draw % 4).entropy) == (3, (1, 2, 1))
    assert (draw - 5, (draw - 5).entropy) == (2, (1, 2))


@pytest.mark.parametrize('wrap', [lambda: RepeatDataset(Dice(), 2), lambda: ConcatDataset([Dice(), Dice()])])
def test_wrapped_data_sets_keep_the_streams(wrap):
    dataset = wrap()
    assert len(dataset) == 12
    assert rolls(0, dataset=dataset) == rolls(0, dataset=dataset)
    assert not set(rolls(0, dataset=dataset).values()) & set(rolls(1, dataset=dataset).values())

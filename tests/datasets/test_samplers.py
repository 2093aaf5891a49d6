"""Random streams: a function of seed, epoch and sample, and of nothing else."""
import pickle

import numpy as np
import pytest
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from torch.utils.data import DataLoader

from mmqanet.datasets import SeededIndex, SeededSampler
from mmqanet.errors import InputError
from mmqanet.registry import DATA_SAMPLERS, TRANSFORMS


class Dice(BaseDataset):
    """Answers each index with numbers from the generators that transforms draw from."""

    def load_data_list(self):
        return [{}] * 6

    def __getitem__(self, index):
        index.seed_generators()
        return int(index), float(np.random.random())


def rolls(epoch: int, *, workers: int = 0, seed: int = 3, dataset=None) -> dict:
    dataset = dataset or Dice()
    sampler = SeededSampler(dataset, seed=seed)
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
        sampler = SeededSampler(Dice(), seed=0)
        sampler.set_epoch(epoch)
        return [int(index) for index in sampler]

    assert order(0) == order(0)
    assert order(0) != order(1)
    assert sorted(order(1)) == list(range(6))


def test_a_draw_survives_pickling_and_index_arithmetic():
    draw = pickle.loads(pickle.dumps(SeededIndex(7, (1, 2))))
    assert (draw, draw.entropy) == (7, (1, 2))
    assert (draw % 4, (draw % 4).entropy) == (3, (1, 2, 1))
    assert (draw - 5, (draw - 5).entropy) == (2, (1, 2))


@pytest.mark.parametrize('wrap', [lambda: RepeatDataset(Dice(), 2), lambda: ConcatDataset([Dice(), Dice()])])
def test_wrapped_data_sets_keep_the_streams(wrap):
    dataset = wrap()
    assert len(dataset) == 12
    assert rolls(0, dataset=dataset) == rolls(0, dataset=dataset)
    assert not set(rolls(0, dataset=dataset).values()) & set(rolls(1, dataset=dataset).values())


def test_an_epoch_may_be_shorter_than_the_data():
    sampler = SeededSampler(Dice(), seed=0, samples_per_epoch=4)
    assert len(sampler) == 4
    epochs = []
    for epoch in range(20):
        sampler.set_epoch(epoch)
        epochs.append([int(index) for index in sampler])
    assert all(len(set(epoch)) == 4 for epoch in epochs)
    counts = np.bincount(np.concatenate(epochs), minlength=6)
    assert counts.min() > 6  # of 13.3 on average: every epoch draws anew
    for wrong in (0, 7):
        with pytest.raises(InputError, match=r'samples_per_epoch must be in \[1, 6\]'):
            SeededSampler(Dice(), samples_per_epoch=wrong)


@pytest.mark.parametrize('round_up', [True, False])
def test_processes_share_a_short_epoch(monkeypatch, round_up):
    shares = []
    for rank in range(2):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        sampler = SeededSampler(Dice(), seed=0, round_up=round_up, samples_per_epoch=3)
        shares.append([int(index) for index in sampler])
        assert len(sampler) == len(shares[-1])
    assert [len(share) for share in shares] == ([2, 2] if round_up else [2, 1])
    assert len({*shares[0], *shares[1]}) == sum(map(len, shares))


@pytest.mark.parametrize(('registry', 'new', 'old'), [
    (DATA_SAMPLERS, 'SeededSampler', 'DrawSampler'), (TRANSFORMS, 'SeedFromIndex', 'SeedFromDraw')])
def test_older_configs_find_their_names(registry, new, old):
    assert registry.get(old) is registry.get(new) is not None

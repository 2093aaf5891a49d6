"""Sampling that gives every sample of every epoch a random stream of its own.

A data loader's workers are born anew each epoch with the same seeds, so augmentations drawn from the workers' global
generators repeat from epoch to epoch (as they do in the release). Here the sampler says with each index which epoch
asks, and the data set seeds the generators from (seed, epoch, index) before the pipeline runs. The stream of a sample
then depends on nothing else: neither on the number of workers and processes nor on where a run was resumed.
"""
import random
from collections.abc import Iterator, Sized
from math import ceil

import numpy as np
from mmengine.dataset import ClassBalancedDataset as _ClassBalancedDataset
from mmengine.dataset import DefaultSampler

from mmqanet.errors import InputError
from mmqanet.registry import DATA_SAMPLERS, DATASETS


class SeededIndex(int):
    """A sample's index that remembers the numbers its random stream is made of.

    Index arithmetic of wrapping data sets (``RepeatDataset``: %, ``ConcatDataset``: -) keeps them.
    """

    entropy: tuple[int, ...]

    def __new__(cls, index: int, entropy: tuple[int, ...]) -> 'SeededIndex':
        """An index whose stream is made of ``entropy``, whole numbers from 0 on, and of itself."""
        seeded = super().__new__(cls, index)
        seeded.entropy = entropy
        return seeded

    def __getnewargs__(self) -> tuple[int, tuple[int, ...]]:  # type: ignore[override]
        return int(self), self.entropy

    def __mod__(self, length: int) -> 'SeededIndex':
        return SeededIndex(int(self) % length, (*self.entropy, int(self) // length))

    def __sub__(self, offset: int) -> 'SeededIndex':
        return SeededIndex(int(self) - offset, self.entropy)

    def seed_generators(self) -> None:
        """Seed ``numpy.random`` and ``random``, the generators that transforms draw from."""
        state = np.random.SeedSequence([*self.entropy, int(self)]).generate_state(2)
        np.random.seed(state[0])
        random.seed(int(state[1]))


@DATA_SAMPLERS.register_module(name=['SeededSampler', 'DrawSampler'])
class SeededSampler(DefaultSampler):
    """mmengine's ``DefaultSampler``, yielding :class:`SeededIndex` instead of plain indices.

    Older configs call it ``DrawSampler``.

    Args:
        dataset, shuffle, seed, round_up: as there.
        samples_per_epoch (int, optional): an epoch ends after so many samples, by default after all. Shuffled, each epoch
            draws its own, so that checkpoints of a large data set come often.

    Raises:
        InputError: ``samples_per_epoch`` is not positive or more than there are.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None, round_up: bool = True,
                 samples_per_epoch: int | None = None) -> None:
        super().__init__(dataset, shuffle=shuffle, seed=seed, round_up=round_up)
        if samples_per_epoch is None:
            return
        if not 0 < samples_per_epoch <= len(dataset):
            raise InputError(f'samples_per_epoch must be in [1, {len(dataset)}], got {samples_per_epoch}')
        here = samples_per_epoch if round_up else samples_per_epoch - self.rank
        self.num_samples = ceil(here / self.world_size)
        self.total_size = self.num_samples * self.world_size if round_up else samples_per_epoch

    def __iter__(self) -> Iterator[SeededIndex]:
        for index in super().__iter__():
            yield SeededIndex(index, (self.seed, self.epoch))


@DATASETS.register_module()
class ClassBalancedDataset(_ClassBalancedDataset):
    """mmengine's ``ClassBalancedDataset``, same arguments: samples with rare classes come several times an epoch.

    Each time on a random stream of its own, so that a repeated person is augmented in other ways.
    """

    def _get_ori_dataset_idx(self, idx: int) -> int:
        sample = super()._get_ori_dataset_idx(idx)
        return SeededIndex(sample, (*idx.entropy, int(idx))) if isinstance(idx, SeededIndex) else sample

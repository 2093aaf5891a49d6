"""Random numbers of the model itself (dropout and the like) as a function of seed and iteration."""
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.random import SeedSequence

from mmqanet.registry import HOOKS


@HOOKS.register_module()
class IterSeedHook(Hook):
    """Seed torch's generators from (seed, rank, iteration) before every training iteration.

    Together with ``DrawSampler`` this makes a resumed run equal to one that was never cut off, whatever data loaders,
    validation and checkpoints drew in between, without generator states in the checkpoint.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        state = SeedSequence([runner.seed, runner.rank, runner.iter]).generate_state(1, dtype='uint64')
        torch.manual_seed(int(state[0] >> 1))

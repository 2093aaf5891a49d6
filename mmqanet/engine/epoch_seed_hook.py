"""Random numbers of the model itself (dropout and the like) as a function of seed and epoch."""
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.random import SeedSequence

from mmqanet.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed torch's generators from (seed, rank, epoch) as each training epoch begins.

    Together with ``DrawSampler`` this makes a run that was resumed at an epoch equal to one that was never cut off:
    whatever validation or checkpointing consumed in between, epoch k starts from the same state.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        state = SeedSequence([runner.seed, runner.rank, runner.epoch]).generate_state(1, dtype='uint64')
        torch.manual_seed(int(state[0] >> 1))

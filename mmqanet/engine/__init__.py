from mmqanet.engine.epoch_seed_hook import EpochSeedHook
from mmqanet.engine.visualization_hook import ParsingVisualizationHook

__all__ = ['EpochSeedHook', 'ParsingVisualizationHook']

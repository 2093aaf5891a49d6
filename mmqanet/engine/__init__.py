from mmqanet.engine.checkpoints import WholeFilesBackend
from mmqanet.engine.iter_seed_hook import IterSeedHook
from mmqanet.engine.visualization_hook import ParsingVisualizationHook

__all__ = ['IterSeedHook', 'ParsingVisualizationHook', 'WholeFilesBackend']

"""Training and testing: configs, the changes that command lines ask for, hooks."""
from mmqanet.checkpoints.loading import WholeFilesBackend
from mmqanet.engine.hooks import IterSeedHook, ParsingVisualizationHook

__all__ = ['IterSeedHook', 'ParsingVisualizationHook', 'WholeFilesBackend']

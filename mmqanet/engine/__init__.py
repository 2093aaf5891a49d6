from mmqanet.checkpoints.loading import WholeFilesBackend
from mmqanet.engine.hooks import IterSeedHook, ParsingVisualizationHook

__all__ = ['IterSeedHook', 'ParsingVisualizationHook', 'WholeFilesBackend']

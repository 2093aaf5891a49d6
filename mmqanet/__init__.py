"""QANet, the quality-aware network for human parsing, as a plugin of the OpenMMLab ecosystem."""
from mmqanet.version import __version__

__all__ = ['__version__']

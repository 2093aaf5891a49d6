"""The maths as pure functions, usable with any model: they import torch and numpy only."""
from mmqanet.functional.quality import fuse_quality, pixel_scores

__all__ = ['fuse_quality', 'pixel_scores']

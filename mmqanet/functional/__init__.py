"""The maths as pure functions, usable with any model: they import torch and numpy only."""
from mmqanet.functional.mask_quality import mask_pixel_scores
from mmqanet.functional.quality import fuse_quality, pixel_scores

__all__ = ['fuse_quality', 'mask_pixel_scores', 'pixel_scores']

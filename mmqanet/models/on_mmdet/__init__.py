"""Components for models of mmdet.

Only here is mmdet imported at module level, and no other room imports this one: :mod:`mmqanet.registry` loads it when a
config asks for one of its components.
"""
from mmqanet.models.on_mmdet.fcos_head import IgnoringFCOSHead, IgnoringFocalLoss
from mmqanet.models.on_mmdet.twins import TWINS, quality_aware

__all__ = ['IgnoringFCOSHead', 'IgnoringFocalLoss', 'TWINS', 'quality_aware']

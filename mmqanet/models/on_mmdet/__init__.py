"""Parts for models of mmdet. Only here mmdet is imported; :mod:`mmqanet.registry` loads this room when one is asked for."""
from mmqanet.models.on_mmdet.fcos_head import IgnoringFCOSHead, IgnoringFocalLoss

__all__ = ['IgnoringFCOSHead', 'IgnoringFocalLoss']

"""Components for models of mmdet.

Only here is mmdet imported at module level, and no other room imports this one: :mod:`mmqanet.registry` loads it when a
config asks for one of its components.
"""
from mmqanet.models.on_mmdet.detectron_boxes import (
    DetectronAnchorGenerator,
    DetectronAssigner,
    DetectronBoxCoder,
    DetectronOverlaps,
    DetectronRoIExtractor,
    DetectronRPNHead,
)
from mmqanet.models.on_mmdet.fcos_head import IgnoringFCOSHead, IgnoringFocalLoss
from mmqanet.models.on_mmdet.parsing_roi_head import ParsingRoIHead
from mmqanet.models.on_mmdet.region_parser import RegionParser
from mmqanet.models.on_mmdet.region_preprocessor import WholeImagePreprocessor
from mmqanet.models.on_mmdet.twins import TWINS, quality_aware

__all__ = [
    'DetectronAnchorGenerator', 'DetectronAssigner', 'DetectronBoxCoder', 'DetectronOverlaps', 'DetectronRPNHead',
    'DetectronRoIExtractor', 'IgnoringFCOSHead', 'IgnoringFocalLoss', 'ParsingRoIHead', 'RegionParser', 'TWINS',
    'WholeImagePreprocessor', 'quality_aware',
]

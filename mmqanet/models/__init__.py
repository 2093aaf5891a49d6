"""The network's components; importing this registers them."""
from mmqanet.models.backbones.convnext import ConvNeXt
from mmqanet.models.backbones.efficientnet_lite import EfficientNetLite0, EfficientNetLite1, EfficientNetLite2
from mmqanet.models.data_preprocessor import ParsingDataPreprocessor
from mmqanet.models.dense_pose_postprocessor import DensePosePostprocessor
from mmqanet.models.heads.gce_head import GeometricContextHead
from mmqanet.models.heads.global_semantic_head import GlobalSemanticHead
from mmqanet.models.heads.instance_mask_head import InstanceIoUHead, InstanceMaskHead
from mmqanet.models.heads.iou_head import IoUHead
from mmqanet.models.heads.parsing_head import ParsingHead
from mmqanet.models.heads.rescoring_head import ParsingRescoringHead
from mmqanet.models.heads.uv_head import UVHead
from mmqanet.models.losses import IoURegressionLoss, LovaszSoftmaxLoss, PixelCrossEntropyLoss
from mmqanet.models.necks.deconv_neck import DeconvNeck
from mmqanet.models.necks.semantic_fpn import SemanticFPN
from mmqanet.models.parsers.base import BaseParser, BoxUse
from mmqanet.models.parsers.dense_pose import DensePoseParser
from mmqanet.models.parsers.ensemble import ParserEnsemble
from mmqanet.models.parsers.topdown import TopdownParser
from mmqanet.models.partial_loss import PartialCrossEntropyLoss
from mmqanet.models.postprocessor import QualityAwarePostprocessor
from mmqanet.models.segmenters.topdown import TopdownSegmenter

__all__ = [
    'BaseParser', 'BoxUse', 'ConvNeXt', 'DeconvNeck', 'DensePoseParser', 'DensePosePostprocessor', 'EfficientNetLite0',
    'EfficientNetLite1', 'EfficientNetLite2', 'GeometricContextHead', 'GlobalSemanticHead', 'InstanceIoUHead',
    'InstanceMaskHead', 'IoUHead', 'IoURegressionLoss', 'LovaszSoftmaxLoss', 'ParserEnsemble', 'ParsingDataPreprocessor',
    'ParsingHead', 'ParsingRescoringHead', 'PartialCrossEntropyLoss', 'PixelCrossEntropyLoss',
    'QualityAwarePostprocessor', 'SemanticFPN', 'TopdownParser', 'TopdownSegmenter', 'UVHead',
]

"""The network's components; importing this registers them."""
from mmqanet.models.convnext import ConvNeXt
from mmqanet.models.data_preprocessor import ParsingDataPreprocessor
from mmqanet.models.deconv_neck import DeconvNeck
from mmqanet.models.efficientnet_lite import EfficientNetLite0
from mmqanet.models.iou_head import IoUHead
from mmqanet.models.losses import IoURegressionLoss, LovaszSoftmaxLoss, PixelCrossEntropyLoss
from mmqanet.models.parsing_head import ParsingHead
from mmqanet.models.postprocessor import QualityAwarePostprocessor
from mmqanet.models.qanet import QANet
from mmqanet.models.semantic_fpn import SemanticFPN

__all__ = [
    'ConvNeXt', 'DeconvNeck', 'EfficientNetLite0', 'IoUHead', 'IoURegressionLoss', 'LovaszSoftmaxLoss',
    'ParsingDataPreprocessor', 'ParsingHead', 'PixelCrossEntropyLoss', 'QANet', 'QualityAwarePostprocessor', 'SemanticFPN'
]

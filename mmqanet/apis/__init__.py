from mmqanet.apis.detector import PersonDetector, init_detector
from mmqanet.apis.inference import inference_parser, inference_topdown
from mmqanet.apis.inferencer import HumanParsingInferencer
from mmqanet.apis.loading import init_model

__all__ = [
    'HumanParsingInferencer',
    'PersonDetector',
    'inference_parser',
    'inference_topdown',
    'init_detector',
    'init_model',
]

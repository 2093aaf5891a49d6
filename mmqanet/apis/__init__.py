"""Parsing from Python: models by name, config or checkpoint, and what they make of pictures and videos."""
from mmqanet.apis.detector import PersonDetector, init_detector
from mmqanet.apis.inference import inference_parser, inference_topdown
from mmqanet.apis.inferencer import HumanParsingInferencer
from mmqanet.apis.loading import init_model
from mmqanet.apis.picture_files import OverlayStyle

__all__ = [
    'HumanParsingInferencer',
    'OverlayStyle',
    'PersonDetector',
    'inference_parser',
    'inference_topdown',
    'init_detector',
    'init_model',
]

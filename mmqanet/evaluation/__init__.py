"""Metrics of human parsing, on the fly and offline, and the official submission files."""
from mmqanet.evaluation.detections import DetectionFile, person_label
from mmqanet.evaluation.faces import FaceParsingMetric
from mmqanet.evaluation.metrics import MultiHumanParsingMetric, SingleHumanParsingMetric
from mmqanet.evaluation.offline import evaluate_folders
from mmqanet.evaluation.scores import ParsingScores
from mmqanet.evaluation.submission import Submission, make_submission, read_submission, write_submission

__all__ = [
    'DetectionFile',
    'FaceParsingMetric',
    'MultiHumanParsingMetric',
    'ParsingScores',
    'SingleHumanParsingMetric',
    'Submission',
    'evaluate_folders',
    'make_submission',
    'person_label',
    'read_submission',
    'write_submission',
]

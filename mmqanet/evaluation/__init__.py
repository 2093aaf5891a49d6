"""Metrics of human parsing, on the fly and offline, and the official submission files."""
from mmqanet.evaluation.single_human import SingleHumanParsingMetric

__all__ = ['SingleHumanParsingMetric']

from mmqanet.datasets.ccp import CCPDataset, CCPMergedDataset
from mmqanet.datasets.cihp import CIHPDataset
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.datasets.samplers import Draw, DrawSampler

__all__ = ['CCPDataset', 'CCPMergedDataset', 'CIHPDataset', 'Draw', 'DrawSampler', 'HumanParsingDataset']

from mmqanet.datasets.cihp import CIHPDataset
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.datasets.samplers import Draw, DrawSampler

__all__ = ['CIHPDataset', 'Draw', 'DrawSampler', 'HumanParsingDataset']

"""What is passed around: samples, label sets, annotations."""
from mmqanet.structures.label_set import LabelSet
from mmqanet.structures.parsing_data_sample import ParsingDataSample

__all__ = ['LabelSet', 'ParsingDataSample']

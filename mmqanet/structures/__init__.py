from mmqanet.structures.parsing_data_sample import ParsingDataSample

__all__ = ['ParsingDataSample']

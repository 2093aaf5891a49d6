"""The data sets and what training draws from them; importing this registers them."""
from mmqanet.datasets.atr import ATRDataset
from mmqanet.datasets.ccp import CCPDataset, CCPMergedDataset
from mmqanet.datasets.ccp_sides import CCPSidesDataset
from mmqanet.datasets.cihp import CIHPDataset
from mmqanet.datasets.densepose_coco import DensePoseCOCODataset
from mmqanet.datasets.faces import (
    CelebAMaskHQDataset,
    FaceParsingDataset,
    HelenDataset,
    IBugMask14Dataset,
    IBugMaskDataset,
    LaPaDataset,
)
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.datasets.instance_crops import InstanceCropDataset
from mmqanet.datasets.lip import LIPDataset
from mmqanet.datasets.mhp_v2 import MHPv2Dataset
from mmqanet.datasets.pascal_person_part import PascalPersonPartDataset
from mmqanet.datasets.samplers import ClassBalancedDataset, SeededIndex, SeededSampler
from mmqanet.datasets.vip import VIPDataset

__all__ = [
    'ATRDataset', 'CCPDataset', 'CCPMergedDataset', 'CCPSidesDataset', 'CIHPDataset', 'CelebAMaskHQDataset',
    'ClassBalancedDataset', 'DensePoseCOCODataset', 'FaceParsingDataset', 'HelenDataset', 'HumanParsingDataset',
    'IBugMask14Dataset', 'IBugMaskDataset', 'InstanceCropDataset', 'LIPDataset', 'LaPaDataset', 'MHPv2Dataset',
    'PascalPersonPartDataset', 'SeededIndex', 'SeededSampler', 'VIPDataset',
]

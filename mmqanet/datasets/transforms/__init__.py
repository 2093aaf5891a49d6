from mmqanet.datasets.transforms.boxes import IgnoreSmallBoxes, RandomAspect
from mmqanet.datasets.transforms.crop import (
    BoxesToCrops,
    RandomCropFlip,
    RandomCropRotation,
    RandomCropScale,
    TransformCrops,
    WarpCrops,
)
from mmqanet.datasets.transforms.formatting import PackParsingInputs
from mmqanet.datasets.transforms.loading import LoadImage, LoadImageMaps, LoadPersonMap
from mmqanet.datasets.transforms.seeding import SeedFromDraw

__all__ = [
    'IgnoreSmallBoxes', 'RandomAspect',
    'BoxesToCrops', 'LoadImage', 'LoadImageMaps', 'LoadPersonMap', 'PackParsingInputs', 'RandomCropFlip',
    'RandomCropRotation', 'RandomCropScale', 'SeedFromDraw', 'TransformCrops', 'WarpCrops',
]

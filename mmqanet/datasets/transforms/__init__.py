"""The steps of pipelines, from the files of a sample to its crops; importing this registers them."""
from mmqanet.datasets.transforms.crop import (
    BoxesToCrops,
    RandomCropFlip,
    RandomCropRotation,
    RandomCropScale,
    TileLargePeople,
    TransformCrops,
    WarpCrops,
)
from mmqanet.datasets.transforms.formatting import PackParsingInputs
from mmqanet.datasets.transforms.instances import LoadInstanceMask
from mmqanet.datasets.transforms.loading import LoadImage, LoadImageMaps, LoadPersonMap
from mmqanet.datasets.transforms.members import MemberInputs
from mmqanet.datasets.transforms.seeding import SeedFromIndex
from mmqanet.datasets.transforms.surface import LoadSurface, WarpSurfacePoints
from mmqanet.datasets.transforms.views import RandomBlur, RandomBoxShift, RandomCloseUp
from mmqanet.datasets.transforms.whole_images import (
    IgnoreSmallBoxes,
    ImagesAtScales,
    RandomAspect,
    RandomMirror,
    RandomShortSide,
)

__all__ = [
    'BoxesToCrops', 'IgnoreSmallBoxes', 'ImagesAtScales', 'LoadImage', 'LoadImageMaps', 'LoadInstanceMask',
    'LoadPersonMap', 'LoadSurface', 'MemberInputs', 'PackParsingInputs', 'RandomAspect', 'RandomBlur', 'RandomBoxShift',
    'RandomCloseUp', 'RandomCropFlip', 'RandomCropRotation', 'RandomCropScale', 'RandomMirror', 'RandomShortSide',
    'SeedFromIndex', 'TileLargePeople', 'TransformCrops', 'WarpCrops', 'WarpSurfacePoints',
]

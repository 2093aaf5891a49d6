"""ImageNet weights of ResNets and HRNets under the names of their first publishers, translated to mmseg's backbones."""
from collections.abc import Mapping

import torch
from torch import Tensor

from mmqanet.errors import DataError

# What only classifies: torchvision's ResNets end in fc, HRNet in four modules of its own.
HEADS = ('fc.', 'incre_modules.', 'downsamp_modules.', 'final_layer.', 'classifier.')

# A deep stem (ResNet-c and -d) is mmseg's Sequential of convolution, norm and ReLU three times. Others number its
# convolutions, or put all but the last norm into a Sequential called conv1.
NUMBERED_STEM = {'conv1.': 'stem.0.', 'bn1.': 'stem.1.', 'conv2.': 'stem.3.', 'bn2.': 'stem.4.', 'conv3.': 'stem.6.',
                 'bn3.': 'stem.7.'}
NESTED_STEM = {'conv1.': 'stem.', 'bn1.': 'stem.7.'}


def convert_imagenet_backbone(state: Mapping) -> dict[str, Tensor]:
    """The weights of a classifier's backbone, by the names of mmseg's ResNet (plain, -c, -d) or HRNet.

    Beyond the names of the stem both agree already; the classification head is dropped, and the counters of batches that
    old files lack, which nothing reads, are set to 0. Whether the result fits a backbone is for ``check_weights`` to say.

    Args:
        state: the state dict as published, or a dict that has it under ``state_dict``; keys with or without ``module.``.

    Raises:
        DataError: it is no state dict, or of neither network.
    """
    state = state.get('state_dict', state)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError('holds no state dict')
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    if 'layer1.0.conv1.weight' not in state:
        raise DataError('layer1.0.conv1.weight is missing, which ResNets and HRNets have as torchvision and HRNet name them')
    stem: dict[str, str] = {}
    if 'conv1.0.weight' in state:
        stem = NESTED_STEM
    elif 'conv3.weight' in state:
        stem = NUMBERED_STEM
    converted = {}
    for key, value in state.items():
        if not key.startswith(HEADS):
            prefix = next((prefix for prefix in stem if key.startswith(prefix)), '')
            converted[stem.get(prefix, '') + key.removeprefix(prefix)] = value
    for key in [key for key in converted if key.endswith('.running_var')]:
        converted.setdefault(key.replace('running_var', 'num_batches_tracked'), torch.tensor(0))
    return converted

"""The names of the authors' released checkpoints, translated to this package's."""
import re
from collections.abc import Mapping

from torch import Tensor

from mmqanet.errors import DataError

# Release → mmqanet, applied in order; the neck's place (neck or neck.1 behind an FPN) is decided per checkpoint.
_RULES = (
    (r'^module\.', ''),
    (r'^Conv_Body\.conv([123])\.', lambda m: f'backbone.stem.{3 * (int(m[1]) - 1)}.'),
    (r'^Conv_Body\.bn([123])\.', lambda m: f'backbone.stem.{3 * (int(m[1]) - 1) + 1}.'),
    (r'^Conv_Body\.', 'backbone.'),
    (r'^Conv_Body_FPN\.fpn\.p5_in\.', 'neck.0.lateral_convs.3.'),
    (r'^Conv_Body_FPN\.fpn\.p5_out\.', 'neck.0.fpn_convs.3.'),
    (r'^Conv_Body_FPN\.fpn\.fpn_in\.([012])\.', lambda m: f'neck.0.lateral_convs.{2 - int(m[1])}.'),
    (r'^Conv_Body_FPN\.fpn\.fpn_out\.([012])\.', lambda m: f'neck.0.fpn_convs.{2 - int(m[1])}.'),
    (r'^Conv_Body_FPN\.scale([1234])_block\.([024])\.',
     lambda m: f'SEMANTIC_FPN.levels.{4 - int(m[1])}.{int(m[2]) // 2}.'),
    (r'^Conv_Body_FPN\.deconv_module\.', 'neck.layers.'),
    (r'^Parsing\.Output\.classify\.', 'parsing_head.classifier.'),
    (r'^Parsing\.ParsingIoU\.Head\.conv1x1\.0\.', 'iou_head.reduce.conv.'),
    (r'^Parsing\.ParsingIoU\.Head\.conv_layers\.([01])\.0\.', r'iou_head.layers.\1.conv.'),
    (r'^Parsing\.ParsingIoU\.Output\.parsing_iou\.', 'iou_head.regressor.'),
    (r'^Mask\.Output\.classify\.', 'mask_head.classifier.'),
    (r'^Mask\.MaskIoU\.Head\.conv1x1\.0\.', 'iou_head.reduce.conv.'),
    (r'^Mask\.MaskIoU\.Head\.conv_layers\.([01])\.0\.', r'iou_head.layers.\1.conv.'),
    (r'^Mask\.MaskIoU\.Output\.mask_iou\.', 'iou_head.regressor.'),
    (r'^UV\.Output\.deconv_Ann\.', 'uv_head.parts.'),
    (r'^UV\.Output\.deconv_Index\.', 'uv_head.charts.'),
    (r'^UV\.Output\.deconv_([UV])\.', lambda m: f'uv_head.{m[1].lower()}.'),
    (r'^((?:neck\.0|SEMANTIC_FPN)\..*)\.0\.(weight|bias)$', r'\1.conv.\2'),
    (r'^((?:neck\.0|SEMANTIC_FPN)\..*)\.1\.(\w+)$', r'\1.bn.\2'),
)


def convert_released(content: Mapping) -> dict[str, Tensor]:
    """The weights of a released checkpoint, by mmqanet's names.

    Args:
        content: what the file holds: the state dict, or a dict that has it under ``model``, beside the states of optimiser
            and scheduler; keys with or without the prefix ``module.``.

    Raises:
        DataError: it is not one of the released networks.
    """
    state = content.get('model', content)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise DataError("holds no state dict, neither as it is nor under 'model'")
    if not any(key.removeprefix('module.').startswith('Conv_Body.') for key in state):
        raise DataError('none of its keys is in Conv_Body, where the released networks have their backbone')
    names = translate_released_keys(list(state))
    return {names[key]: value for key, value in state.items()}


def translate_released_keys(keys: list[str]) -> dict[str, str]:
    """Map every key of a released checkpoint to mmqanet's name for it.

    Args:
        keys: state-dict keys as released, with or without the prefix ``module.``.

    Returns:
        dict: released key → mmqanet key, in the order given.

    Raises:
        DataError: two keys would get the same name.
    """
    names = {key: key for key in keys}
    # HRNet's stem is named like its stages; only ResNet-c and -d have a third stem convolution.
    hrnet = not any('Conv_Body.conv3.' in key for key in keys)
    rules = [rule for rule in _RULES if not (hrnet and '[123]' in rule[0])]
    for key in keys:
        for pattern, replacement in rules:
            names[key] = re.sub(pattern, replacement, names[key])
    semantic_fpn = 'neck.1' if any(name.startswith('neck.0.') for name in names.values()) else 'neck'
    names = {key: name.replace('SEMANTIC_FPN', semantic_fpn) for key, name in names.items()}
    if len(set(names.values())) != len(names):
        raise DataError('two keys of the checkpoint translate to the same name: it is not one of the released networks')
    return names

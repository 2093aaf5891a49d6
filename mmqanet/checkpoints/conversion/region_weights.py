"""The names of the authors' released Parsing R-CNN and RP R-CNN checkpoints, translated to this package's."""
import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mmqanet.errors import DataError

BN_EPS = 1e-5
_ANCHORS = re.compile(r'RPN\.anchor_generator\.cell_anchors\.([0-4])')

_FPN = {f'{place}.{index}.': f'{name}.{2 - index}.' for index in range(3)
        for place, name in (('fpn_in', 'lateral_convs'), ('fpn_out', 'fpn_convs'))}
_FPN |= {'p5_in.': 'lateral_convs.3.', 'p5_out.': 'fpn_convs.3.'}
# Where a part of the release lies here; what follows in a key stays, but for the places in a block of convolution and norm.
_PLACES = {
    **{f'Conv_Body_FPN.{place}': f'neck.{name}' for place, name in _FPN.items()},
    'Conv_Body.': 'backbone.',
    'RPN.head.conv.': 'rpn_head.rpn_conv.',
    'RPN.head.cls_logits.': 'rpn_head.rpn_cls.',
    'RPN.head.bbox_pred.': 'rpn_head.rpn_reg.',
    'Fast_RCNN.Head.fc6.': 'roi_head.bbox_head.shared_fcs.0.',
    'Fast_RCNN.Head.fc7.': 'roi_head.bbox_head.shared_fcs.1.',
    'Fast_RCNN.Output.cls_score.': 'roi_head.bbox_head.fc_cls.',
    'Fast_RCNN.Output.bbox_pred.': 'roi_head.bbox_head.fc_reg.',
    'Parsing_RCNN.Head.im_pool.1.': 'roi_head.mask_head.pooled.',
    'Parsing_RCNN.Head.asppv3.': 'roi_head.mask_head.branches.',
    'Parsing_RCNN.Head.feat.0.': 'roi_head.mask_head.reduce.',
    'Parsing_RCNN.Head.feat.1.theta.': 'roi_head.mask_head.non_local.query.',
    'Parsing_RCNN.Head.feat.1.phi.': 'roi_head.mask_head.non_local.key.',
    'Parsing_RCNN.Head.feat.1.g.': 'roi_head.mask_head.non_local.value.',
    'Parsing_RCNN.Head.feat.1.out.': 'roi_head.mask_head.non_local.project.',
    'Parsing_RCNN.Head.feat.1.gn.': 'roi_head.mask_head.non_local.norm.',
    'Parsing_RCNN.Head.conv_after_asppv3.': 'roi_head.mask_head.convs.',
    'Parsing_RCNN.Output.parsing_score_lowres.': 'roi_head.mask_head.classifier.',
    'Parsing_RCNN.ParsingIoU.Head.convx.': 'roi_head.rescoring_head.convs.',
    'Parsing_RCNN.ParsingIoU.Head.parsingiou_fc1.': 'roi_head.rescoring_head.layers.0.',
    'Parsing_RCNN.ParsingIoU.Head.parsingiou_fc2.': 'roi_head.rescoring_head.layers.2.',
    'Parsing_RCNN.ParsingIoU.Output.parsingiou.': 'roi_head.rescoring_head.regressor.',
    'SemSeg.Head.lateral_convs.': 'semantic_head.laterals.',
    'SemSeg.Head.convs.': 'semantic_head.convs.',
    'SemSeg.Head.conv_embedding.': 'semantic_head.embedding.',
    'SemSeg.Output.conv_logits.': 'semantic_head.classifier.',
}
_BLOCKS = re.compile(r'(neck\.\w+\.\d|branches\.\d|reduce|pooled|convs\.\d|laterals\.\d|embedding)'
                     r'\.(?:([01])\.)?(weight|bias)$')


def convert_region_based(content: Mapping) -> tuple[dict[str, Tensor], dict[int, Tensor]]:
    """The weights of a released region-based parser by mmqanet's names, and the anchors of its levels.

    Batch norms are folded there: they get the mean 0 and the variance that makes their division one by 1. Of the two classes
    the person comes first here; of the box deltas the person's are kept.

    Args:
        content: what the file holds: the state dict under ``model``, beside the states of optimiser and scheduler, or alone;
            keys with or without the prefix ``module.``.

    Returns:
        tuple: the state dict, and (3, 4) anchors by level, the finest 0.

    Raises:
        DataError: it is not one of the released networks; names a key.
    """
    state = content.get('model', content)
    if not isinstance(state, Mapping) or not all(
            isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()):
        raise DataError("holds no state dict, neither as it is nor under 'model'")
    converted: dict[str, Tensor] = {}
    anchors: dict[int, Tensor] = {}
    for key, value in ((key.removeprefix('module.'), value) for key, value in state.items()):
        if level := _ANCHORS.fullmatch(key):
            anchors[int(level[1])] = value
        elif not key.startswith('Norm.'):  # mean and standard deviation, which a test model carries along
            converted[translate_region_key(key)] = _person_first(key, value)
    converted.update(_unfolded_norms(converted))
    return converted, anchors


def translate_region_key(key: str) -> str:
    """mmqanet's name for a key of the release, without ``module.``.

    Raises:
        DataError: the release has no such key.
    """
    place = next((place for place in _PLACES if key.startswith(place)), None)
    if place is None:
        raise DataError(f'{key} is no key of a released Parsing R-CNN or RP R-CNN')
    name = _PLACES[place] + key.removeprefix(place)
    # A block is a convolution, alone, or at place 0 with a group norm at place 1.
    return _BLOCKS.sub(lambda found: f'{found[1]}.{"gn" if found[2] == "1" else "conv"}.{found[3]}', name)


def _person_first(key: str, value: Tensor) -> Tensor:
    """Outputs of the box head: (background, person) → (person, background), deltas of both → of the person."""
    if key.startswith('Fast_RCNN.Output.'):
        expected = 2 if 'cls_score' in key else 8
        if value.shape[:1] != (expected,):
            raise DataError(f'{key} has the shape {tuple(value.shape)}, but background and person have {expected} outputs')
        return value.flip(0) if 'cls_score' in key else value[4:].clone()
    return value


def _unfolded_norms(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The statistics that the folded batch norms of the backbone lack."""
    statistics = {}
    for key, value in state.items():
        if re.match(r'backbone\..*(bn\d|downsample\.1)\.weight$', key):
            norm = key.removesuffix('weight')
            statistics[f'{norm}running_mean'] = torch.zeros_like(value)
            statistics[f'{norm}running_var'] = torch.full_like(value, 1 - BN_EPS)
            statistics[f'{norm}num_batches_tracked'] = torch.tensor(0)
    return statistics

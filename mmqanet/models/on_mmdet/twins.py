"""From any instance segmenter's config to its quality-aware twin."""
import copy
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config, ConfigDict

from mmqanet.errors import InputError
from mmqanet.models.on_mmdet.condinst_heads import QualityAwareBoxInstMaskHead, QualityAwareCondInstMaskHead
from mmqanet.models.on_mmdet.maskformer_fusion_head import QualityAwareMaskFormerFusionHead
from mmqanet.models.on_mmdet.roi_mask_heads import (
    QualityAwareCoarseMaskHead,
    QualityAwareDynamicMaskHead,
    QualityAwareFCNMaskHead,
    QualityAwareHTCMaskHead,
    QualityAwareMaskIoUHead,
    QualityAwareSCNetMaskHead,
)
from mmqanet.models.on_mmdet.rtmdet_ins_heads import QualityAwareRTMDetInsHead, QualityAwareRTMDetInsSepBNHead
from mmqanet.models.on_mmdet.solo_heads import (
    QualityAwareDecoupledSOLOHead,
    QualityAwareDecoupledSOLOLightHead,
    QualityAwareSOLOHead,
    QualityAwareSOLOV2Head,
)
from mmqanet.models.on_mmdet.yolact_protonet import QualityAwareYOLACTProtonet

#: The quality-aware heads by the name of mmdet's own that each stands in for.
TWINS = {head.__bases__[-1].__name__: head for head in (
    QualityAwareFCNMaskHead, QualityAwareHTCMaskHead, QualityAwareSCNetMaskHead, QualityAwareCoarseMaskHead,
    QualityAwareDynamicMaskHead, QualityAwareMaskIoUHead, QualityAwareSOLOHead, QualityAwareDecoupledSOLOHead,
    QualityAwareDecoupledSOLOLightHead, QualityAwareSOLOV2Head, QualityAwareCondInstMaskHead, QualityAwareBoxInstMaskHead,
    QualityAwareRTMDetInsHead, QualityAwareRTMDetInsSepBNHead, QualityAwareYOLACTProtonet, QualityAwareMaskFormerFusionHead)}


def quality_aware(model: ConfigDict, **quality: Any) -> ConfigDict:
    """A copy of a model's config with quality-aware heads in place of mmdet's; the weights stay the same.

    Heads that are quality-aware already keep their type.

    Args:
        model: config of a detector of mmdet, e.g. ``cfg.model``.
        quality: settings of :class:`~mmqanet.models.mask_quality.MaskQuality`, over those that the heads have.

    Raises:
        InputError: no head of the config has a quality-aware twin; lists those that have. Or it is a whole config.
    """
    if isinstance(model, Config):
        raise InputError('model: expected the config of the model, cfg.model, got a whole config')
    model = copy.deepcopy(model)
    heads = [(node, twin) for node in _nodes(model) if (twin := _twin(node.get('type')))]
    if not heads:
        raise InputError(f'the config has no head with a quality-aware twin; mmdet heads that have one: {", ".join(TWINS)}')
    for node, twin in heads:
        node['type'] = f'mmqanet.{twin.__name__}'
        node['quality'] = {**(node.get('quality') or {}), **quality}
    return model


def _twin(kind: Any) -> type | None:
    """The quality-aware head for a ``type``, given as a name with or without its package or as the class."""
    *package, name = (f'{kind.__module__}.{kind.__name__}' if isinstance(kind, type) else str(kind)).split('.')
    if package and package[0] not in ('mmdet', 'mmqanet'):
        return None
    return TWINS.get(name) or next((twin for twin in TWINS.values() if twin.__name__ == name), None)


def _nodes(node: Any) -> Iterator[dict]:
    """All dictionaries of a config."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ():
        yield from _nodes(child)

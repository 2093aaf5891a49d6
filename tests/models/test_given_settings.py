"""Heads and necks with settings of one's own, and with those that are left out."""
import math

import pytest
import torch
from torch import nn

from mmqanet.models import DeconvNeck, IoUHead, ParsingHead, SemanticFPN
from mmqanet.models.backbones.convnext import ConvNeXt
from mmqanet.models.heads.gce_head import GeometricContextHead, NonLocalBlock
from mmqanet.models.heads.global_semantic_head import GlobalSemanticHead
from mmqanet.models.heads.instance_mask_head import InstanceIoUHead, InstanceMaskHead
from mmqanet.models.heads.rescoring_head import ParsingRescoringHead
from mmqanet.models.heads.uv_head import UVHead
from mmqanet.models.losses import IoURegressionLoss, LovaszSoftmaxLoss, PixelCrossEntropyLoss

#: The smallest of each, and the layers that its own initialisation sets.
SMALL = {
    ParsingHead: (dict(in_channels=2, num_classes=3), 'Conv2d'),
    IoUHead: (dict(in_channels=2, hidden_channels=2), None),
    InstanceMaskHead: (dict(in_channels=2, num_classes=3), 'Conv2d'),
    InstanceIoUHead: (dict(in_channels=2, num_classes=3, hidden_channels=2), None),
    UVHead: (dict(in_channels=2), 'ConvTranspose2d'),
    GeometricContextHead: (dict(in_channels=2, num_classes=3, channels=32, dilations=(1,), num_convs=1), 'ConvTranspose2d'),
    ParsingRescoringHead: (dict(in_channels=2, num_classes=3, conv_channels=2, fc_channels=2), 'Linear'),
    NonLocalBlock: (dict(channels=32), 'Conv2d'),
    GlobalSemanticHead: (dict(in_channels=32, num_classes=3, num_inputs=1, num_outputs=1, num_convs=1), 'Conv2d'),
    DeconvNeck: (dict(in_channels=2, out_channels=2, num_layers=1), 'ConvTranspose2d'),
    SemanticFPN: (dict(in_channels=[2, 2], out_channels=2), None),
    ConvNeXt: (dict(arch='tiny'), ['Conv2d', 'Linear']),
}
every_component = pytest.mark.parametrize('kind', SMALL, ids=lambda kind: kind.__name__)


@every_component
def test_a_given_initialisation_takes_the_place_of_the_own_one(kind):
    options, layer = SMALL[kind]
    own = kind(**options).init_cfg or dict(layer=None)
    assert (own[0] if isinstance(own, list) else own)['layer'] == layer
    given = dict(type='Constant', layer='Conv2d', val=0.25)
    assert kind(**options, init_cfg=given).init_cfg == given


@pytest.mark.parametrize(('component', 'layers', 'spread'), [
    (lambda: ParsingHead(in_channels=64, num_classes=20), ('classifier',), 0.001),
    (lambda: InstanceMaskHead(in_channels=64, num_classes=20), ('classifier',), 0.001),
    (lambda: GeometricContextHead(in_channels=4, num_classes=20, channels=32, dilations=(1,), num_convs=1), ('classifier',),
     0.01),
    (lambda: NonLocalBlock(64), ('query', 'key', 'value', 'project'), 0.01),
    (lambda: GlobalSemanticHead(in_channels=64, num_classes=20, num_convs=1), ('classifier',), 0.01),
    (lambda: ParsingRescoringHead(in_channels=2, num_classes=3, conv_channels=4, fc_channels=1024), ('regressor',), 0.01),
    (lambda: DeconvNeck(in_channels=32, out_channels=8), ('layers.0', 'layers.3', 'layers.6'), 0.001),
    (lambda: UVHead(in_channels=64), ('parts', 'charts', 'u', 'v'), math.sqrt(2 / (64 * 16))),
    (lambda: ConvNeXt(arch='tiny', out_indices=(0,)), ('stages.0.0.depthwise_conv', 'stages.0.0.pointwise_conv1'), 0.02)])
def test_weights_begin_as_small_as_the_docstrings_say(component, layers, spread):
    torch.manual_seed(0)
    made = component()
    made.init_weights()
    for name in layers:
        layer = made.get_submodule(name)
        assert layer.weight.std().item() == pytest.approx(spread, rel=0.1), name
        assert abs(layer.weight.mean().item()) < 0.1 * spread
        if layer.bias is not None:
            assert not layer.bias.any()


@pytest.mark.parametrize(('kind', 'name', 'own', 'weight'), [
    (ParsingHead, 'loss_ce', PixelCrossEntropyLoss, 1), (IoUHead, 'loss_iou', IoURegressionLoss, 1),
    (InstanceIoUHead, 'loss_iou', IoURegressionLoss, 1), (ParsingRescoringHead, 'loss_iou', IoURegressionLoss, 1),
    (GeometricContextHead, 'loss_parsing', PixelCrossEntropyLoss, 2),
    (GlobalSemanticHead, 'loss_semantic', PixelCrossEntropyLoss, 2)])
def test_a_given_loss_takes_the_place_of_the_own_one(kind, name, own, weight):
    options, _ = SMALL[kind]
    usual = getattr(kind(**options), name)
    assert type(usual) is own
    assert usual.loss_weight == weight
    other = LovaszSoftmaxLoss if own is PixelCrossEntropyLoss else PixelCrossEntropyLoss
    changed = getattr(kind(**options, **{name: dict(type=f'mmqanet.{other.__name__}', loss_weight=3.0)}), name)
    assert type(changed) is other
    assert changed.loss_weight == 3


def kinds_of_norm(module):
    return {type(layer) for layer in module.modules()} & {nn.BatchNorm2d, nn.GroupNorm}


@pytest.mark.parametrize(('kind', 'own'), [
    (DeconvNeck, nn.BatchNorm2d), (SemanticFPN, nn.BatchNorm2d), (GlobalSemanticHead, nn.GroupNorm)],
    ids=lambda value: value.__name__)
def test_a_given_normalisation_takes_the_place_of_the_own_one(kind, own):
    options, _ = SMALL[kind]
    assert kinds_of_norm(kind(**options)) == {own}
    others = {nn.BatchNorm2d: dict(type='BN'), nn.GroupNorm: dict(type='GN', num_groups=2)}
    del others[own]
    (other, given), = others.items()
    assert kinds_of_norm(kind(**options, norm_cfg=given)) == {other}

import math
import re

import pytest
import torch
from mmcv.cnn import ConvModule
from torch import nn
from torch.nn import functional as F

from mmqanet.errors import DataError, InputError
from mmqanet.models.backbones.efficientnet_lite import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
    _multiple_of_8,
    convert_efficientnet_lite0,
)
from mmqanet.models.folded_conv import FoldedConvModule
from mmqanet.registry import MODELS

# The architectures as their weights have them: repeats, kernel, stride, expansion, channels in and out.
PUBLISHED = {
    EfficientNetLite0: ['r1_k3_s1_e1_i32_o16', 'r2_k3_s2_e6_i16_o24', 'r2_k5_s2_e6_i24_o40', 'r3_k3_s2_e6_i40_o80',
                        'r3_k5_s1_e6_i80_o112', 'r4_k5_s2_e6_i112_o192', 'r1_k3_s1_e6_i192_o320'],
    EfficientNetLite1: ['r1_k3_s1_e1_i32_o16', 'r3_k3_s2_e6_i16_o24', 'r3_k5_s2_e6_i24_o40', 'r4_k3_s2_e6_i40_o80',
                        'r4_k5_s1_e6_i80_o112', 'r5_k5_s2_e6_i112_o192', 'r1_k3_s1_e6_i192_o320'],
    EfficientNetLite2: ['r1_k3_s1_e1_i32_o16', 'r3_k3_s2_e6_i16_o24', 'r3_k5_s2_e6_i24_o48', 'r4_k3_s2_e6_i48_o88',
                        'r4_k5_s1_e6_i88_o120', 'r5_k5_s2_e6_i120_o208', 'r1_k3_s1_e6_i208_o352'],
}


def published_blocks(variant):
    for row in PUBLISHED[variant]:
        repeats, kernel, stride, expansion, c_in, c_out = map(int, re.findall(r'\d+', row))
        for i in range(repeats):
            yield kernel, stride if i == 0 else 1, expansion, c_in if i == 0 else c_out, c_out


def published_state_dict(variant=EfficientNetLite0, seed=0):
    """Random weights under the names of the package efficientnet-lite-pytorch."""
    generator = torch.Generator().manual_seed(seed)
    state = {}

    def conv(name, *shape):
        state[f'{name}.weight'] = torch.randn(shape, generator=generator) * (2 / math.prod(shape[1:])) ** 0.5

    def norm(name, width):
        state[f'{name}.weight'] = 1 + 0.1 * torch.randn(width, generator=generator)
        state[f'{name}.bias'] = 0.5 + 0.1 * torch.randn(width, generator=generator)
        state[f'{name}.running_mean'] = 0.1 * torch.randn(width, generator=generator)
        state[f'{name}.running_var'] = 1 + torch.rand(width, generator=generator)
        state[f'{name}.num_batches_tracked'] = torch.tensor(7)

    conv('_conv_stem', 32, 3, 3, 3)
    norm('_bn0', 32)
    for i, (kernel, _, expansion, c_in, c_out) in enumerate(published_blocks(variant)):
        hidden = c_in * expansion
        if expansion > 1:
            conv(f'_blocks.{i}._expand_conv', hidden, c_in, 1, 1)
            norm(f'_blocks.{i}._bn0', hidden)
        conv(f'_blocks.{i}._depthwise_conv', hidden, 1, kernel, kernel)
        norm(f'_blocks.{i}._bn1', hidden)
        conv(f'_blocks.{i}._project_conv', c_out, hidden, 1, 1)
        norm(f'_blocks.{i}._bn2', c_out)
    conv('_conv_head', 1280, c_out, 1, 1)
    norm('_bn1', 1280)
    state['_fc.weight'], state['_fc.bias'] = torch.zeros(1000, 1280), torch.zeros(1000)
    return state


def published_features(state, x, variant=EfficientNetLite0):
    """The published network in plain functions, evaluation mode: the last feature at strides 4, 8, 16 and 32."""

    def conv(x, name, norm, stride=1, groups=1, relu=True):
        weight = state[f'{name}.weight']
        pads = []
        for size, kernel in ((x.shape[3], weight.shape[3]), (x.shape[2], weight.shape[2])):  # TensorFlow's 'SAME'
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        x = F.conv2d(F.pad(x, pads), weight, stride=stride, groups=groups)
        x = F.batch_norm(x, *(state[f'{norm}.{key}'] for key in ('running_mean', 'running_var', 'weight', 'bias')), eps=1e-3)
        return x.clamp(0, 6) if relu else x

    x = conv(x, '_conv_stem', '_bn0', stride=2)
    features, reached = {}, 2
    for i, (_, stride, expansion, c_in, c_out) in enumerate(published_blocks(variant)):
        y, block = x, f'_blocks.{i}.'
        if expansion > 1:
            y = conv(y, block + '_expand_conv', block + '_bn0')
        y = conv(y, block + '_depthwise_conv', block + '_bn1', stride, groups=y.shape[1])
        y = conv(y, block + '_project_conv', block + '_bn2', relu=False)
        x = x + y if stride == 1 and c_in == c_out else y
        reached *= stride
        features[reached] = x
    return [features[stride] for stride in (4, 8, 16, 32)]


@pytest.mark.parametrize(('variant', 'size'), [
    (EfficientNetLite0, (64, 32)), (EfficientNetLite0, (45, 71)), (EfficientNetLite1, (45, 71)),
    (EfficientNetLite2, (45, 71))])
def test_converted_weights_compute_the_published_network(variant, size):
    state = published_state_dict(variant)
    net = variant().eval()
    net.load_state_dict(convert_efficientnet_lite0(state, variant))
    image = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for level, expected in zip(net(image), published_features(state, image, variant), strict=True):
            torch.testing.assert_close(level, expected, rtol=1e-4, atol=1e-4)


def test_converted_weights_are_float32_and_counts_stay_whole():
    state = {key: value.half() if value.is_floating_point() else value for key, value in published_state_dict().items()}
    converted = convert_efficientnet_lite0(state)
    expected = EfficientNetLite0().state_dict()
    assert {key: value.dtype for key, value in converted.items()} == {key: value.dtype for key, value in expected.items()}
    assert {value.dtype for value in converted.values()} == {torch.float32, torch.int64}


@pytest.mark.parametrize(('name', 'millions', 'last'), [
    ('EfficientNetLite0', 4.65, 320), ('EfficientNetLite1', 5.42, 320), ('EfficientNetLite2', 6.09, 352)])
def test_parameters_are_the_published_ones_without_the_classifier(name, millions, last):
    count = sum(parameter.numel() for parameter in MODELS.build(dict(type=name)).parameters())
    classifier = last * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert round((count + classifier) / 1e6, 2) == millions


def test_weights_of_another_variant_are_refused():
    with pytest.raises(DataError, match='not a state dict of EfficientNetLite2: missing'):
        convert_efficientnet_lite0(published_state_dict(), EfficientNetLite2)


def test_conversion_names_what_is_wrong():
    state = published_state_dict()
    del state['_blocks.3._bn1.running_var']
    state['_blocks.16._bn1.weight'] = torch.ones(1)
    state['_conv_stem.weight'] = torch.ones(32, 3, 5, 5)
    with pytest.raises(DataError) as error:
        convert_efficientnet_lite0(state)
    message = str(error.value)
    assert "missing ['_blocks.3._bn1.running_var']" in message
    assert "left over ['_blocks.16._bn1.weight']" in message
    assert "of another shape ['_conv_stem.weight']" in message


def test_levels():
    net = MODELS.build(dict(type='EfficientNetLite0', out_indices=(1, 3))).eval()
    with torch.no_grad():
        shapes = [tuple(level.shape) for level in net(torch.zeros(1, 3, 64, 96))]
    assert shapes == [(1, 40, 8, 12), (1, 320, 2, 3)]


def test_batch_norm_is_the_originals():
    norms = [module for module in EfficientNetLite0().modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


def test_frozen_stages():
    net = EfficientNetLite0(frozen_stages=2).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    sum(level.mean() for level in net(torch.randn(2, 3, 32, 32))).backward()
    frozen = ('stem.', 'levels.0.', 'levels.1.')
    for name, parameter in net.named_parameters():
        assert (parameter.grad is None) == name.startswith(frozen), name
    for name, value in net.state_dict().items():
        if name.endswith('running_mean'):
            assert torch.equal(value, before[name]) == name.startswith(frozen), name


def test_norm_eval_keeps_the_running_statistics_but_trains_the_weights():
    net = EfficientNetLite0(norm_eval=True).train()
    before = {name: value.clone() for name, value in net.named_buffers()}
    sum(level.mean() for level in net(torch.randn(2, 3, 32, 32))).backward()
    assert all(torch.equal(value, before[name]) for name, value in net.named_buffers())
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert net.levels[0].training


def test_norms_in_the_weights_train_as_norms_of_their_own_do(monkeypatch):
    image = torch.randn(2, 3, 40, 56, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    net = EfficientNetLite0(norm_eval=True, out_indices=(1, 3)).train().double()
    net.load_state_dict(convert_efficientnet_lite0(published_state_dict()))
    assert sum(isinstance(module, FoldedConvModule) for module in net.modules()) == 48

    def gradients():
        net.zero_grad()
        sum(level.square().mean() for level in net(image)).backward()
        return {name: parameter.grad.clone() for name, parameter in net.named_parameters()}

    found = gradients()
    monkeypatch.setattr(FoldedConvModule, 'forward', ConvModule.forward)
    for name, expected in gradients().items():
        torch.testing.assert_close(found[name], expected, rtol=1e-6, atol=1e-8 * expected.abs().max().item(), msg=name)


def test_pretrained_init_cfg(tmp_path):
    weights = convert_efficientnet_lite0(published_state_dict())
    torch.save(dict(state_dict=weights), tmp_path / 'weights.pth')
    net = EfficientNetLite0(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth')))
    net.init_weights()
    assert net.state_dict().keys() == weights.keys()
    assert all(torch.equal(value, weights[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize('arguments', [dict(out_indices=(0, 4)), dict(out_indices=(2, 1)), dict(frozen_stages=5)])
def test_bad_arguments(arguments):
    with pytest.raises(InputError, match=next(iter(arguments))):
        EfficientNetLite0(**arguments)


def test_channels_are_the_nearest_multiple_of_8_that_is_not_much_less():
    for channels in (value / 4 for value in range(1, 600)):
        multiples = [multiple for multiple in range(8, 200, 8) if multiple >= 0.9 * channels]
        nearest = min(abs(multiple - channels) for multiple in multiples)
        assert _multiple_of_8(channels) == max(multiple for multiple in multiples if abs(multiple - channels) == nearest)

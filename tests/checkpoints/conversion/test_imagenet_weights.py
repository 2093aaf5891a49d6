"""ImageNet backbones under their publishers' names compute in mmseg's backbones what they were published to compute."""

import pytest
import torch
from mmseg.models.backbones import HRNet, ResNet, ResNetV1c, ResNetV1d
from torch.nn import functional as F

from mmqanet.checkpoints.conversion.imagenet_weights import convert_imagenet_backbone
from mmqanet.errors import DataError

STEMS = {
    'plain': [('conv1', 'bn1', 2)],
    'numbered': [('conv1', 'bn1', 2), ('conv2', 'bn2', 1), ('conv3', 'bn3', 1)],
    'nested': [('conv1.0', 'conv1.1', 2), ('conv1.3', 'conv1.4', 1), ('conv1.6', 'bn1', 1)],
}


def make_norm(state: dict, name: str, channels: int) -> None:
    state.update({
        f'{name}.weight': 1 + 0.1 * torch.randn(channels), f'{name}.bias': 0.1 * torch.randn(channels),
        f'{name}.running_mean': 0.1 * torch.randn(channels), f'{name}.running_var': 1 + torch.rand(channels)})


def published_resnet(*, stem: str, pooled: bool) -> dict:
    """The state dict of a thin ResNet-50 with a head, as torchvision would name it; ``pooled`` shortcuts are those of -d."""
    torch.manual_seed(0)
    state: dict = {}

    def conv(name, outputs, inputs, size):
        state[f'{name}.weight'] = torch.randn(outputs, inputs, size, size) / (inputs * size * size) ** 0.5

    inputs = 3
    for index, (name, norm, _) in enumerate(STEMS[stem]):
        outputs = 8 if index == len(STEMS[stem]) - 1 else 4
        conv(name, outputs, inputs, 7 if stem == 'plain' else 3)
        make_norm(state, norm, outputs)
        inputs = outputs
    for layer, blocks in enumerate((3, 4, 6, 3), 1):
        width = 2 * 2 ** layer
        for block in range(blocks):
            name = f'layer{layer}.{block}'
            for index, shape in enumerate([(width, inputs, 1), (width, width, 3), (4 * width, width, 1)], 1):
                conv(f'{name}.conv{index}', *shape)
                make_norm(state, f'{name}.bn{index}', shape[0])
            if block == 0:
                conv(f'{name}.downsample.{int(pooled)}', 4 * width, inputs, 1)
                make_norm(state, f'{name}.downsample.{1 + pooled}', 4 * width)
            inputs = 4 * width
    state['fc.weight'], state['fc.bias'] = torch.randn(10, inputs), torch.randn(10)
    return state


def published_features(state: dict, x: torch.Tensor, *, stem: str) -> list[torch.Tensor]:
    """What the published network computes at the ends of its four stages."""
    def conv(name, x, stride=1):
        weight = state[f'{name}.weight']
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def norm(name, x):
        return F.batch_norm(x, *(state[f'{name}.{key}'] for key in ('running_mean', 'running_var', 'weight', 'bias')))

    for name, norm_name, stride in STEMS[stem]:
        x = norm(norm_name, conv(name, x, stride)).relu()
    x = F.max_pool2d(x, 3, 2, 1)
    features = []
    for layer, blocks in enumerate((3, 4, 6, 3), 1):
        for block in range(blocks):
            name, stride = f'layer{layer}.{block}', 2 if layer > 1 and block == 0 else 1
            y = norm(f'{name}.bn1', conv(f'{name}.conv1', x)).relu()
            y = norm(f'{name}.bn2', conv(f'{name}.conv2', y, stride)).relu()
            y = norm(f'{name}.bn3', conv(f'{name}.conv3', y))
            if f'{name}.downsample.0.weight' in state:
                x = norm(f'{name}.downsample.1', conv(f'{name}.downsample.0', x, stride))
            elif block == 0:
                x = norm(f'{name}.downsample.2', conv(f'{name}.downsample.1', F.avg_pool2d(x, stride, stride)))
            x = (x + y).relu()
        features.append(x)
    return features


@pytest.mark.parametrize(('stem', 'pooled', 'backbone'), [
    ('plain', False, ResNet), ('numbered', False, ResNetV1c), ('nested', False, ResNetV1c), ('nested', True, ResNetV1d)])
def test_a_resnet_computes_what_was_published(stem, pooled, backbone):
    state = published_resnet(stem=stem, pooled=pooled)
    model = backbone(depth=50, base_channels=4, stem_channels=8)
    model.eval()
    model.load_state_dict(convert_imagenet_backbone({f'module.{key}': value for key, value in state.items()}))
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for ours, theirs in zip(model(x), published_features(state, x, stem=stem), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_an_hrnet_loses_its_head_only():
    stages = {f'stage{n}': dict(num_modules=1, num_branches=n, block='BASIC', num_blocks=(1,) * n,
                                num_channels=tuple(4 * 2 ** i for i in range(n))) for n in (2, 3, 4)}
    model = HRNet(extra=dict(
        stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(8,)), **stages))
    body = model.state_dict()
    head = ('incre_modules.0.0.conv1.weight', 'downsamp_modules.0.0.bias', 'final_layer.0.weight', 'classifier.bias')
    converted = convert_imagenet_backbone(dict(state_dict={**body, **{key: torch.ones(1) for key in head}}))
    assert converted == body


def test_the_authors_hrnet_has_hrnet_s_own_names(released_keys):
    """Their checkpoints keep the names of the HRNet that they started from."""
    body = {key.removeprefix('Conv_Body.'): torch.empty(shape, device='meta')
            for key, shape in released_keys('qanet_hrnet-w48_cihp') if key.startswith('Conv_Body.')}
    assert convert_imagenet_backbone(body) == body


@pytest.mark.parametrize('state', [
    {}, {'layer1.0.conv1.weight': 3}, {'state_dict': [1]}, {'features.0.weight': torch.ones(1)}])
def test_another_file_is_refused(state):
    with pytest.raises(DataError):
        convert_imagenet_backbone(state)

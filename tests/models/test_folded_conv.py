import pytest
import torch
from mmcv.cnn import ConvModule
from torch.nn import functional as F

from mmqanet.models.folded_conv import FoldedConvModule

SAME = dict(type='Conv2dAdaptivePadding')


def used(conv):
    """A module whose batch norm has seen data."""
    generator = torch.Generator().manual_seed(1)
    conv.norm.running_mean.copy_(torch.randn(conv.norm.num_features, generator=generator))
    conv.norm.running_var.copy_(torch.rand(conv.norm.num_features, generator=generator) + 0.5)
    torch.nn.init.uniform_(conv.norm.weight, 0.5, 1.5, generator=generator)
    torch.nn.init.uniform_(conv.norm.bias, -1, 1, generator=generator)
    return conv.eval()


@pytest.mark.parametrize('size', [(8, 12), (9, 12), (8, 13), (9, 13), (1, 2)])
@pytest.mark.parametrize('options', [
    dict(kernel_size=3, padding=1), dict(kernel_size=3, stride=2, conv_cfg=SAME),
    dict(kernel_size=5, stride=2, conv_cfg=SAME), dict(kernel_size=5, stride=2, conv_cfg=SAME, groups=4),
    dict(kernel_size=2, stride=3, conv_cfg=SAME)])
def test_a_fixed_norm_and_padding_at_the_end_become_weights(options, size):
    conv = used(FoldedConvModule(4, 8, norm_cfg=dict(type='BN'), act_cfg=dict(type='ReLU6'), **options))
    maps = torch.randn(2, 4, *size, generator=torch.Generator().manual_seed(2))
    expected = F.relu6(conv.norm(conv.conv(maps)))
    assert 0 < (expected > 0).float().mean() < 1
    torch.testing.assert_close(conv(maps), expected, rtol=1e-5, atol=1e-5)


def test_gradients_are_those_of_a_norm_of_its_own():
    conv = used(FoldedConvModule(4, 8, 3, stride=2, conv_cfg=SAME, norm_cfg=dict(type='BN')))
    maps = torch.randn(2, 4, 10, 11, generator=torch.Generator().manual_seed(3))

    def gradients(forward):
        conv.zero_grad()
        forward(maps).square().mean().backward()
        return [parameter.grad.clone() for parameter in conv.parameters()]

    for found, expected in zip(gradients(conv), gradients(lambda x: ConvModule.forward(conv, x)), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_a_norm_that_learns_its_statistics_stays_one():
    conv = used(FoldedConvModule(4, 8, 3, stride=2, conv_cfg=SAME, norm_cfg=dict(type='BN'))).train()
    before = conv.norm.running_mean.clone()
    found = conv(torch.randn(2, 4, 6, 6))
    assert not torch.equal(conv.norm.running_mean, before)
    assert found.mean(dim=(0, 2, 3)).shape == (8,)


def test_norms_other_than_batch_norm_stay_what_they_are():
    conv = FoldedConvModule(4, 6, 3, padding=1, norm_cfg=dict(type='GN', num_groups=2)).eval()
    image = torch.randn(1, 4, 9, 7)
    assert torch.equal(conv(image), F.relu(conv.norm(conv.conv(image))))

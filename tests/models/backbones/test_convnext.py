"""ConvNeXt: a block against its operations, and the shape of the whole."""
import pytest
import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath

from mmqanet.errors import InputError
from mmqanet.models.backbones.convnext import ARCHITECTURES, ConvNeXt, ConvNeXtBlock
from mmqanet.registry import MODELS


def test_a_block_adds_its_scaled_branch():
    torch.manual_seed(0)
    block = ConvNeXtBlock(6, drop_path=0.0, layer_scale=0.3).eval()
    feature = torch.randn(2, 6, 9, 7)
    with torch.no_grad():
        block.gamma *= torch.arange(1, 7)
        hidden = F.conv2d(feature, block.depthwise_conv.weight, block.depthwise_conv.bias, padding=3, groups=6)
        hidden = (hidden - hidden.mean(1, keepdim=True)) / (hidden.var(1, unbiased=False, keepdim=True) + 1e-6).sqrt()
        first, second = block.pointwise_conv1, block.pointwise_conv2
        hidden = F.gelu(torch.einsum('oi,nihw->nohw', first.weight, hidden) + first.bias[:, None, None])
        hidden = torch.einsum('oi,nihw->nohw', second.weight, hidden) + second.bias[:, None, None]
        expected = feature + 0.3 * torch.arange(1, 7)[:, None, None] * hidden
        torch.testing.assert_close(block(feature), expected, rtol=1e-4, atol=1e-5)


def test_architectures():
    for name, depth, width in (('tiny', 9, 96), ('small', 27, 96), ('base', 27, 128), ('large', 27, 192)):
        assert ARCHITECTURES[name] == ((3, 3, depth, 3), (width, 2 * width, 4 * width, 8 * width))
    net = ConvNeXt()
    assert [len(stage) for stage in net.stages] == [3, 3, 9, 3]
    assert [stage[0].norm.normalized_shape[0] for stage in net.stages] == [96, 192, 384, 768]
    with pytest.raises(InputError, match=r"arch is 'huge', but must be one of \['base', 'large', 'small', 'tiny'\]"):
        ConvNeXt(arch='huge')


def test_levels_have_strides_4_to_32_and_norms_of_their_own():
    net = MODELS.build(dict(type='ConvNeXt')).eval()
    with torch.no_grad():
        levels = net(torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0)))
    assert [tuple(level.shape) for level in levels] == [
        (1, 96, 16, 24), (1, 192, 8, 12), (1, 384, 4, 6), (1, 768, 2, 3)]
    for level in levels:
        assert level.mean(1).abs().max() < 1e-4
        torch.testing.assert_close(level.var(1, unbiased=False), torch.ones_like(level[:, 0]), rtol=0, atol=0.01)
    assert all(torch.all(block.gamma == 1e-6) for stage in net.stages for block in stage)
    assert not any(isinstance(module, DropPath) for module in net.modules())


def test_stochastic_depth_grows_from_the_first_block_to_the_last():
    net = ConvNeXt(drop_path_rate=0.34, out_indices=(1, 3))
    rates = [getattr(block.drop_path, 'drop_prob', 0.0) for stage in net.stages for block in stage]
    assert rates == pytest.approx([0.02 * index for index in range(18)])
    assert {name for name, _ in net.named_children() if name.startswith('norm')} == {'norm1', 'norm3'}

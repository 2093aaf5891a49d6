"""HRNet with nearest up-sampling: mmseg's weights, other values."""
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.models.backbones import HRNet

from mmqanet.registry import MODELS

EXTRA = dict(
    stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(8,)),
    stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 1), num_channels=(4, 8)),
    stage3=dict(num_modules=2, num_branches=3, block='BASIC', num_blocks=(1, 1, 1), num_channels=(4, 8, 16)),
    stage4=dict(num_modules=1, num_branches=4, block='BASIC', num_blocks=(1, 1, 1, 1), num_channels=(4, 8, 16, 32)))


def evaluated(model: HRNet) -> HRNet:
    model.eval()  # which returns nothing
    return model


@pytest.fixture
def backbone():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return evaluated(MODELS.build(dict(type='NearestHRNet', extra=EXTRA, norm_cfg=dict(type='BN'))))


def test_fuse_layers_repeat_the_pixels_of_coarser_branches(backbone):
    """Each finer branch gets the coarser one through 1x1 convolution and norm, every value 2, 4 or 8 times a side."""
    upward = 0
    for stage in (backbone.stage2, backbone.stage3, backbone.stage4):
        for module in stage:
            for target, row in enumerate(module.fuse_layers):
                for source, fuse in enumerate(row):
                    if source <= target:
                        continue
                    feature = torch.randn(2, fuse[0].in_channels, 3, 2)
                    with torch.no_grad():
                        before, after = fuse[1](fuse[0](feature)).numpy(), fuse(feature).numpy()
                    assert (after == before.repeat(2 ** (source - target), 2).repeat(2 ** (source - target), 3)).all()
                    upward += 1
    assert upward == 1 + 2 * 3 + 6


def test_the_whole_module_adds_nothing_bilinear(backbone):
    """A two-branch module, worked out by hand."""
    module = backbone.stage2[0]
    fine, coarse = torch.randn(1, 4, 8, 6), torch.randn(1, 8, 4, 3)
    with torch.no_grad():
        branches = [module.branches[0](fine), module.branches[1](coarse)]
        lifted = module.fuse_layers[0][1][:2](branches[1]).repeat_interleave(2, 2).repeat_interleave(2, 3)
        expected = (branches[0] + lifted).relu()
        found = module([fine.clone(), coarse.clone()])[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_weights_are_those_of_mmseg_but_values_are_not(backbone):
    theirs = evaluated(HRNet(extra=EXTRA, norm_cfg=dict(type='BN')))
    theirs.load_state_dict(backbone.state_dict())
    picture = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        levels, others = backbone(picture), theirs(picture)
    assert [level.shape for level in levels] == [(1, 4, 16, 24), (1, 8, 8, 12), (1, 16, 4, 6), (1, 32, 2, 3)]
    assert all((level - other).abs().max() > 0.01 * other.std() for level, other in zip(levels, others))

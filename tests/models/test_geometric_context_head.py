"""The head of Parsing R-CNN's parsing branch, against its operations written out."""
import torch
import torch.nn.functional as F

from mmqanet.models.heads.gce_head import GeometricContext, GeometricContextHead, NonLocalBlock
from mmqanet.registry import MODELS


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_non_local_block_weighs_every_pooled_place_by_its_likeness():
    torch.manual_seed(0)
    block = NonLocalBlock(32, init_cfg=dict(type='Normal', layer='Conv2d', std=0.3)).eval()
    block.init_weights()
    feature = noise(2, 32, 4, 6)
    with torch.no_grad():
        found = block(feature)
        pooled = feature.view(2, 32, 2, 2, 3, 2).amax((3, 5)).flatten(2)

        def project(conv, source):
            return torch.einsum('oi,nip->nop', conv.weight[:, :, 0, 0], source) + conv.bias[:, None]

        query, (key, value) = project(block.query, feature.flatten(2)), (
            project(conv, pooled) for conv in (block.key, block.value))
        context = torch.zeros(2, 32, 24)
        for region in range(2):
            for place in range(24):
                likeness = torch.stack([query[region, :, place] @ key[region, :, other] for other in range(6)]) / 32 ** 0.5
                context[region, :, place] = value[region] @ likeness.softmax(0)
        expected = feature + F.group_norm(
            project(block.project, context), 32, block.norm.weight, block.norm.bias).view_as(feature)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_the_context_of_a_region_is_its_mean_and_its_surroundings_at_three_rates():
    torch.manual_seed(0)
    head = GeometricContextHead(in_channels=4, num_classes=3, channels=32, num_convs=1).eval()
    regions = noise(2, 4, 8, 8, seed=1)
    seen = []
    head.reduce.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        logits, feature = head(regions)
        mean = head.pooled.conv
        pooled = F.relu(torch.einsum('oi,ni->no', mean.weight[:, :, 0, 0], regions.mean((2, 3))) + mean.bias)
        pieces = [pooled[..., None, None].expand(2, 4, 8, 8), F.relu(head.branches[0].conv(regions))]
        for branch, rate in zip(head.branches[1:], (6, 12, 18), strict=True):
            pieces.append(F.relu(F.conv2d(regions, branch.conv.weight, branch.conv.bias, padding=rate, dilation=rate)))
        upsampled = F.interpolate(F.conv_transpose2d(feature, head.classifier.weight, head.classifier.bias, 2, 1),
                                  size=(32, 32), mode='bilinear', align_corners=False)
    torch.testing.assert_close(seen[0], torch.cat(pieces, dim=1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits, upsampled, rtol=1e-4, atol=1e-5)
    assert logits.shape == (2, 3, 32, 32)
    assert feature.shape == (2, 32, 8, 8)


def test_as_released_unless_a_config_says_otherwise():
    head = MODELS.build(dict(type='mmqanet.GeometricContextHead'))
    assert (head.pooled.in_channels, head.num_classes, len(head.convs)) == (256, 20, 4)
    assert head.reduce.conv.weight.shape == (512, 5 * 256, 1, 1)
    assert [branch.conv.dilation for branch in head.branches] == [(1, 1), (6, 6), (12, 12), (18, 18)]
    assert not head.pooled.with_norm
    assert head.loss_parsing.loss_weight == 2
    assert head.loss(noise(1, 20, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))['loss_parsing'] > 0


def test_the_default_rates_are_those_of_parsing_rcnn():
    branches = GeometricContext(in_channels=4, channels=64).branches
    assert [branch.conv.dilation for branch in branches] == [(1, 1), (6, 6), (12, 12), (18, 18)]

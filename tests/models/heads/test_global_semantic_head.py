"""The global semantic branch: sizes of what it gives, what it adds to the levels, and its loss."""
import pytest
import torch
from torch.nn import functional as F

from mmqanet.models.heads.global_semantic_head import GlobalSemanticHead


@pytest.fixture
def head():
    torch.manual_seed(0)
    return GlobalSemanticHead(in_channels=4, num_classes=3, num_inputs=3, num_outputs=2, num_convs=2,
                              norm_cfg=dict(type='GN', num_groups=2)).eval()


def levels(number=3):
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(2, 4, 16 >> level, 24 >> level, generator=generator) for level in range(number))


def test_logits_and_enhanced_levels_have_the_sizes_of_their_levels(head):
    logits, enhanced = head(levels())
    assert logits.shape == (2, 3, 16, 24)
    assert [level.shape for level in enhanced] == [(2, 4, 16, 24), (2, 4, 8, 12)]


def test_the_branch_computes_what_its_parts_say(head):
    given = levels()
    with torch.no_grad():
        logits, enhanced = head(given)
        fused = torch.zeros(2, 4, 16, 24)
        for conv, level in zip(head.laterals, given):
            fused += conv(F.interpolate(level, size=(16, 24), mode='bilinear', align_corners=True))
        for conv in head.convs:
            assert conv.conv.kernel_size == (3, 3)
            fused = conv(fused)
        embedding = head.embedding(fused)
        torch.testing.assert_close(logits, head.classifier(fused))
        torch.testing.assert_close(enhanced[0], given[0] + embedding)
        half = F.interpolate(embedding, size=(8, 12), mode='bilinear', align_corners=False)
        torch.testing.assert_close(enhanced[1], given[1] + half)


@pytest.mark.parametrize('number', [2, 4])
def test_levels_that_are_not_as_many_as_the_laterals_are_refused(head, number):
    with pytest.raises(ValueError, match='zip'):
        head(levels(number))


def test_the_loss_is_twice_the_cross_entropy_at_every_fourth_pixel(head):
    logits, labels = torch.randn(2, 3, 16, 24), torch.randint(0, 3, (2, 64, 96))
    labels[0, :32] = 255
    expected = 2 * F.cross_entropy(logits, labels[:, ::4, ::4], ignore_index=255)
    assert float(head.loss(logits, labels)['loss_semantic']) == pytest.approx(float(expected), rel=1e-5)

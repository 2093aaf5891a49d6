"""Necks and heads one by one: shapes, and the formulas of their losses."""
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.models import DeconvNeck, IoUHead, IoURegressionLoss, ParsingHead, PixelCrossEntropyLoss, SemanticFPN
from mmqanet.models.heads.instance_mask_head import InstanceMaskHead


def test_semantic_fpn_sums_the_levels_at_the_finest():
    neck = SemanticFPN(in_channels=[4, 8, 16, 32], out_channels=6).eval()
    levels = [torch.randn(2, 4 * 2**i, 16 // 2**i, 24 // 2**i) for i in range(4)]
    assert [len(blocks) for blocks in neck.levels] == [1, 1, 2, 3]
    expected = neck.levels[0][0](levels[0])
    for blocks, feature in zip(list(neck.levels)[1:], levels[1:]):
        for block in blocks:
            feature = F.interpolate(block(feature), scale_factor=2, mode='bilinear', align_corners=False)
        expected = expected + feature
    torch.testing.assert_close(neck(levels), expected)


def test_semantic_fpn_takes_odd_sizes():
    neck = SemanticFPN(in_channels=[2, 2, 2, 2], out_channels=3)
    sizes = [(15, 11), (8, 6), (4, 3), (2, 2)]
    assert neck([torch.randn(1, 2, *size) for size in sizes]).shape == (1, 3, 15, 11)


def test_deconv_neck_upsamples_the_last_level_by_eight():
    neck = DeconvNeck(in_channels=16, out_channels=4)
    assert neck((None, torch.randn(2, 16, 4, 3))).shape == (2, 4, 32, 24)
    assert not any('bias' in name for name, _ in neck.named_parameters() if 'layers.0' in name)


def test_parsing_head_upsamples_its_classes_by_four():
    head = ParsingHead(in_channels=5, num_classes=3)
    feature = torch.randn(2, 5, 6, 4)
    logits = head(feature)
    assert logits.shape == (2, 3, 24, 16)
    classifier = head.classifier
    coarse = torch.einsum('cd,bdhw->bchw', classifier.weight[:, :, 0, 0], feature) + classifier.bias.view(-1, 1, 1)
    expected = F.interpolate(coarse, size=(24, 16), mode='bilinear', align_corners=False)
    torch.testing.assert_close(logits, expected)


def test_parsing_head_without_lovasz_has_one_loss():
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    assert set(ParsingHead(in_channels=2, num_classes=3).loss(torch.randn(1, 3, 8, 8), labels)) == {'loss_ce'}


def test_iou_head_is_a_light_fcn_on_the_shared_feature():
    head = IoUHead(in_channels=8, hidden_channels=16)
    feature = torch.randn(3, 8, 6, 4)
    hidden = F.relu(F.conv2d(feature, head.reduce.conv.weight, head.reduce.conv.bias)).mean((2, 3))
    for layer in head.layers:
        hidden = F.relu(hidden @ layer.conv.weight[:, :, 0, 0].T + layer.conv.bias)
    expected = (hidden @ head.regressor.weight.T + head.regressor.bias)[:, 0]
    torch.testing.assert_close(head(feature), expected)


def test_the_iou_of_crops_lower_than_there_are_classes():
    logits, labels = torch.randn(2, 20, 4, 8), torch.randint(0, 20, (2, 4, 8))
    expected = []
    for pred, label in zip(logits.argmax(1), labels):
        ious = [(((pred == c) & (label == c)).sum() / ((pred == c) | (label == c)).sum()).item()
                for c in torch.cat([pred, label]).unique()]
        expected.append(sum(ious) / len(ious))
    loss = IoUHead(in_channels=1).loss(torch.ones(2), logits, labels)['loss_iou']
    assert loss.item() == pytest.approx(IoURegressionLoss()(torch.ones(2), torch.tensor(expected)).item(), rel=1e-5)


def test_a_mask_head_starts_from_small_weights_or_as_its_config_says():
    head = InstanceMaskHead(in_channels=64, num_classes=50)
    head.init_weights()
    assert head.classifier.weight.std().item() == pytest.approx(0.001, rel=0.1)
    other = InstanceMaskHead(in_channels=64, num_classes=50, init_cfg=dict(type='Normal', layer='Conv2d', std=0.1))
    other.init_weights()
    assert other.classifier.weight.std().item() == pytest.approx(0.1, rel=0.1)


def test_cross_entropy_is_the_mean_over_counted_pixels():
    logits, labels = torch.randn(2, 4, 5, 5), torch.randint(0, 4, (2, 5, 5))
    labels[0, :3] = 255
    log_probs = logits.log_softmax(1)
    counted = [-log_probs[b, labels[b, y, x], y, x] for b in range(2) for y in range(5) for x in range(5)
               if labels[b, y, x] != 255]
    got = PixelCrossEntropyLoss(loss_weight=2.0)(logits, labels)
    torch.testing.assert_close(got, 2 * torch.stack(counted).mean())


def test_iou_loss_counts_images_with_a_positive_target():
    pred = torch.tensor([0.5, 0.9, -0.2], requires_grad=True)
    target = torch.tensor([0.1, 0.0, 0.4])
    loss = IoURegressionLoss()(pred, target)
    assert loss.item() == pytest.approx((0.5 * 0.4**2 + 0.5 * 0.6**2) / 2)
    loss.backward()
    assert pred.grad.tolist() == pytest.approx([0.2, 0, -0.3])


@pytest.mark.parametrize('case', [0, 1])
def test_losses_agree_with_the_release(golden_dir, case):
    facts = json.loads((golden_dir / 'losses.json').read_text())[f'case{case}']
    arrays = np.load(golden_dir / 'losses.npz')
    logits = (np.random.default_rng(1000 + case).standard_normal((2, 20, 32, 24)) * 2).astype(np.float32)
    logits = torch.from_numpy(logits)
    labels = torch.from_numpy(arrays[f'case{case}_labels'].astype(np.int64))
    assert PixelCrossEntropyLoss()(logits, labels).item() == pytest.approx(facts['ce_weighted'], rel=1e-6)
    head = IoUHead(in_channels=1)
    pred = torch.from_numpy(arrays[f'case{case}_iou_pred'].astype(np.float32).reshape(-1)).requires_grad_()
    loss = head.loss(pred, logits, labels)['loss_iou']
    assert loss.item() == pytest.approx(facts['loss_parsingiou'], rel=1e-6)
    loss.backward()
    expected = arrays[f'case{case}_grad_iou_pred'].reshape(-1)
    assert pred.grad.numpy() == pytest.approx(expected, rel=1e-5)


def test_in_training_the_losses_may_see_a_part_of_the_pixels():
    torch.manual_seed(0)
    head, feature = ParsingHead(in_channels=5, num_classes=3, loss_stride=2), torch.randn(1, 5, 6, 4)
    assert head.eval()(feature).shape == (1, 3, 24, 16)
    logits = head.train()(feature)
    expected = F.interpolate(head.classifier(feature), size=(12, 8), mode='bilinear', align_corners=False)
    torch.testing.assert_close(logits, expected)
    labels = torch.arange(24 * 16).view(1, 24, 16)
    phases = set()
    for _ in range(60):
        seen = head.loss_labels(labels)
        assert seen.shape == (1, 12, 8)
        first = int(seen[0, 0, 0])
        assert (seen[0] == first + 32 * torch.arange(12)[:, None] + 2 * torch.arange(8)).all()
        phases.add(first)
    assert phases == {0, 1, 16, 17}  # every pixel has its turn
    assert head.eval().loss_labels(labels) is labels
    assert ParsingHead(in_channels=5, num_classes=3).train().loss_labels(labels) is labels
    with pytest.raises(InputError, match='loss_stride must divide upsample, 4, but is 3'):
        ParsingHead(in_channels=5, num_classes=3, loss_stride=3)


def test_partial_labels_are_for_the_cross_entropy_alone():
    torch.manual_seed(0)
    partial = dict(type='PartialCrossEntropyLoss', label_sets=[[1, 2]])
    head = ParsingHead(in_channels=2, num_classes=3, loss_ce=partial, loss_lovasz=dict(type='LovaszSoftmaxLoss'))
    logits, labels = torch.randn(2, 3, 8, 8), torch.randint(0, 4, (2, 8, 8))
    ignored = labels.masked_fill(labels == 3, 255)
    losses, without = head.loss(logits, labels), head.loss(logits, ignored)
    assert losses['loss_lovasz'] == without['loss_lovasz']
    assert losses['loss_ce'] != without['loss_ce']


def test_the_iou_of_crops_with_many_partial_labels_is_not_learnt():
    torch.manual_seed(0)
    head, logits, labels = IoUHead(in_channels=2), torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 8, 8))
    labels[0, 0, :2] = 3
    labels[1, :4] = 3
    pred = torch.zeros(2, requires_grad=True)
    head.loss(pred, logits, labels)['loss_iou'].backward()
    assert pred.grad[0] < 0
    assert pred.grad[1] == 0
    exact = head.loss(torch.zeros(1), logits[:1], labels[:1].masked_fill(labels[:1] == 3, 255))['loss_iou']
    assert head.loss(torch.zeros(2), logits, labels)['loss_iou'] == exact

import json

import numpy as np
import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.functional.lovasz import lovasz_softmax
from mmqanet.models import LovaszSoftmaxLoss
from mmqanet.registry import MODELS


@pytest.mark.parametrize('case', [0, 1])
def test_golden_parsing_losses(golden_dir, case):
    expected = json.loads((golden_dir / 'losses.json').read_text())[f'case{case}']
    arrays = np.load(golden_dir / 'losses.npz')
    logits = np.random.default_rng(1000 + case).standard_normal((2, 20, 32, 24)) * 2
    logits = torch.from_numpy(logits.astype(np.float32)).requires_grad_()
    labels = torch.from_numpy(arrays[f'case{case}_labels']).long()
    ce = MODELS.build(dict(type='PixelCrossEntropyLoss'))(logits, labels)
    lovasz = MODELS.build(dict(type='LovaszSoftmaxLoss'))(logits, labels)
    assert ce.item() == pytest.approx(expected['ce_weighted'], rel=1e-6)
    assert lovasz.item() == pytest.approx(expected['lovasz_unweighted'], rel=1e-6)
    (ce + lovasz).backward()
    torch.testing.assert_close(logits.grad, torch.from_numpy(arrays[f'case{case}_grad_total']), rtol=1e-4, atol=1e-8)


def test_cross_entropy_weighs_classes_in_its_mean():
    random = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(2, 3, 4, 5, generator=random), torch.randint(0, 3, (2, 4, 5), generator=random)
    labels[1, 1:] = 255
    weight = [0.5, 2.0, 4.0]
    pixels = [(float(logits[b, :, y, x].logsumexp(0) - logits[b, labels[b, y, x], y, x]), weight[labels[b, y, x]])
              for b in range(2) for y in range(4) for x in range(5) if labels[b, y, x] != 255]
    expected = sum(loss * w for loss, w in pixels) / sum(w for _, w in pixels)
    loss = MODELS.build(dict(type='PixelCrossEntropyLoss', loss_weight=2.0, class_weight=weight))
    assert loss(logits, labels).item() == pytest.approx(2 * expected, rel=1e-5)
    assert not loss.state_dict()  # no part of a checkpoint
    assert loss(logits, torch.full_like(labels, 255)).item() == 0
    with pytest.raises(InputError, match='class_weight has 3 entries for 4 classes'):
        loss(torch.zeros(2, 4, 4, 5), labels)
    with pytest.raises(InputError, match='class_weight must be positive'):
        MODELS.build(dict(type='PixelCrossEntropyLoss', class_weight=[1.0, 0.0]))


def test_iou_regression_is_half_the_mean_square_over_images_with_somebody():
    pred, target = torch.tensor([0.9, 0.2, 0.7, 0.4], requires_grad=True), torch.tensor([0.5, 0.0, 0.6, 0.0])
    expected = 0.5 * (0.4 ** 2 + 0.1 ** 2) / 2
    for weight in (1.0, 3.0):
        loss = MODELS.build(dict(type='IoURegressionLoss', loss_weight=weight))(pred, target)
        assert loss.item() == pytest.approx(weight * expected)
    assert MODELS.build(dict(type='IoURegressionLoss'))(pred, target).item() == pytest.approx(expected)
    loss.backward()
    assert pred.grad.tolist() == pytest.approx([3 * 0.4 / 2, 0, 3 * 0.1 / 2, 0])
    assert MODELS.build(dict(type='IoURegressionLoss'))(pred, torch.zeros(4)).item() == 0
    half = MODELS.build(dict(type='IoURegressionLoss'))(pred.bfloat16(), target)
    assert half.dtype == torch.float32


def test_lovasz_takes_logits_a_weight_and_an_ignored_label():
    logits, labels = torch.randn(2, 4, 6, 5, requires_grad=True), torch.randint(0, 4, (2, 6, 5))
    labels[0, 2:4] = 77
    loss = MODELS.build(dict(type='LovaszSoftmaxLoss', loss_weight=0.5, ignore_index=77))(logits, labels)
    assert loss.item() == pytest.approx(0.5 * lovasz_softmax(logits.softmax(1), labels, 77).item())
    loss.backward()
    assert logits.grad[0, :, :2].any()
    assert not logits.grad[0, :, 2:4].any()


def test_lovasz_in_mixed_precision():
    logits, labels = torch.randn(2, 4, 6, 5).bfloat16().requires_grad_(), torch.randint(0, 4, (2, 6, 5))
    with torch.autocast('cpu', torch.bfloat16):
        loss = MODELS.build(dict(type='LovaszSoftmaxLoss'))(logits, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(lovasz_softmax(logits.float().softmax(1), labels).item())
    loss.backward()
    assert logits.grad.isfinite().all()


def test_lovasz_with_a_stride_counts_every_other_pixel():
    logits, labels = torch.randn(2, 4, 8, 6), torch.randint(0, 4, (2, 8, 6))
    sparse = LovaszSoftmaxLoss(stride=2)(logits, labels)
    assert sparse == LovaszSoftmaxLoss()(logits[..., ::2, ::2], labels[..., ::2, ::2])

"""Cross-entropy with partial labels, against the probabilities summed pixel by pixel."""
import math

import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.models import PartialCrossEntropyLoss, PixelCrossEntropyLoss
from mmqanet.registry import MODELS

SETS = [[1, 2], [0, 3, 2], [3]]


def batch(num_labels=7, seed=0):
    random = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 4, 5, 6, generator=random)
    labels = torch.randint(0, num_labels, (2, 5, 6), generator=random)
    labels[0, 2] = 255
    return logits, labels


def by_hand(logits, labels, *, class_weight=(1, 1, 1, 1), partial_weight=1.0):
    """-log of the summed probability of what each label allows, weighted, pixel after pixel."""
    total = weights = 0.0
    for b, y, x in torch.cartesian_prod(*map(torch.arange, labels.shape)).tolist():
        label = int(labels[b, y, x])
        if label == 255:
            continue
        powers = [math.exp(value) for value in logits[b, :, y, x].double().tolist()]
        allowed = [label] if label < 4 else SETS[label - 4]
        weight = class_weight[label] if label < 4 else partial_weight
        total -= weight * math.log(sum(powers[label] for label in allowed) / sum(powers))
        weights += weight
    return total / weights


def test_a_partial_label_allows_the_sum_of_its_classes():
    logits, labels = batch()
    loss = MODELS.build(dict(type='PartialCrossEntropyLoss', label_sets=SETS))
    assert loss(logits, labels).item() == pytest.approx(by_hand(logits, labels), rel=1e-5)
    assert not loss.state_dict()


def test_weights_of_classes_of_partial_labels_and_of_the_loss():
    logits, labels = batch(seed=1)
    weight = [0.5, 2.0, 4.0, 1.5]
    loss = PartialCrossEntropyLoss(label_sets=SETS, partial_weight=0.3, class_weight=weight, loss_weight=2.0)
    expected = by_hand(logits, labels, class_weight=weight, partial_weight=0.3)
    assert loss(logits, labels).item() == pytest.approx(2 * expected, rel=1e-5)


@pytest.mark.parametrize('weight', [None, [0.5, 2.0, 4.0, 1.5]])
def test_without_partial_labels_it_is_the_cross_entropy(weight):
    logits, labels = batch(num_labels=4)
    expected = PixelCrossEntropyLoss(class_weight=weight)(logits, labels)
    assert PartialCrossEntropyLoss(label_sets=SETS, class_weight=weight)(logits, labels).item() == pytest.approx(
        expected.item(), rel=1e-6)


def test_gradients_leave_the_allowed_classes_as_they_are_to_each_other():
    logits = torch.tensor([1.0, 2.0, -1.0, 0.5]).view(1, 4, 1, 1).requires_grad_()
    PartialCrossEntropyLoss(label_sets=SETS)(logits, torch.full((1, 1, 1), 4)).backward()
    probs = logits.detach().softmax(1).flatten()
    grad = logits.grad.flatten()
    allowed = probs[1] + probs[2]
    torch.testing.assert_close(grad[1:3], probs[1:3] - probs[1:3] / allowed)
    torch.testing.assert_close(grad[[0, 3]], probs[[0, 3]])


def test_ignored_pixels_have_no_part_in_it():
    logits, labels = batch()
    logits.requires_grad_()
    loss = PartialCrossEntropyLoss(label_sets=SETS)
    loss(logits, labels).backward()
    assert not logits.grad[0, :, 2].any()
    assert logits.grad[1].any()
    everything = loss(logits, torch.full_like(labels, 255))
    assert everything.item() == 0
    everything.backward()


def test_certain_logits_stay_finite():
    logits = torch.tensor([200.0, -200.0, -200.0, -200.0]).view(1, 4, 1, 1).requires_grad_()
    loss = PartialCrossEntropyLoss(label_sets=SETS)(logits, torch.full((1, 1, 1), 4))
    assert loss.item() == pytest.approx(400 - math.log(2), rel=1e-6)
    loss.backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(('options', 'message'), [
    (dict(label_sets=[[]]), r'label_sets\[0\] must hold classes'),
    (dict(label_sets=[[1], [2, 2]]), r'label_sets\[1\] must hold classes, each once'),
    (dict(label_sets=SETS, partial_weight=0), 'partial_weight must be positive'),
    (dict(label_sets=SETS, class_weight=[1, -1, 1, 1]), 'class_weight must be positive'),
])
def test_arguments_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        PartialCrossEntropyLoss(**options)


def test_logits_and_labels_that_do_not_fit():
    logits, labels = batch()
    with pytest.raises(InputError, match='class_weight has 3 entries for 4 classes'):
        PartialCrossEntropyLoss(label_sets=SETS, class_weight=[1, 1, 1])(logits, labels)
    with pytest.raises(InputError, match='beyond the 4 of the logits'):
        PartialCrossEntropyLoss(label_sets=[[4]])(logits, labels)
    labels[0, 0, 0] = 7
    with pytest.raises(InputError, match='label 7 is none of the 4 classes and 3 label_sets'):
        PartialCrossEntropyLoss(label_sets=SETS)(logits, labels)

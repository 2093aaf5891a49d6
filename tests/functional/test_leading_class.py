import numpy as np
import pytest
import torch

from mmqanet.functional.leading_class import LeadingClass, Taps, best_classes


def patchy_probs(num_classes, size, seed=0):
    """Probabilities (C, h, w) with patches of several samples, a tie of all classes in a corner."""
    logits = np.random.default_rng(seed).standard_normal((num_classes, -(-size[0] // 3), -(-size[1] // 3)))
    logits = 3 * logits.repeat(3, axis=1).repeat(3, axis=2)[:, :size[0], :size[1]]
    logits[:, :3, :3] = 0
    return torch.from_numpy(logits).softmax(0).float()


def test_the_first_class_of_the_maximum():
    probs = patchy_probs(6, (13, 11))
    probs[4] = probs[2]
    values, labels = best_classes(probs)
    assert torch.equal(values, probs.amax(0))
    assert (labels == torch.from_numpy(probs.numpy().argmax(0))).all()
    assert (labels[:3, :3] == 0).all()
    assert not (labels == 4).any()


def hats(positions, size):
    """Weights (P, size) of linear interpolation, zeros beyond the ends."""
    return (1 - abs(positions[:, None] - np.arange(size))).clip(0)


@pytest.mark.parametrize('factor', [0.3, 1.0, 2.6])
def test_the_same_as_interpolating_all_classes(factor):
    size, candidates = (15, 12), torch.arange(5)
    probs = patchy_probs(5, size)
    rows, columns = (np.arange(-3, factor * length + 3) / factor + 0.37 for length in size)
    full = hats(rows, size[0]) @ probs.double().numpy() @ hats(columns, size[1]).T
    leading = LeadingClass(probs, Taps.at(rows, size[0]), Taps.at(columns, size[1]))
    half = len(rows) // 2
    parts = [leading.at_rows(0, half, candidates), leading.at_rows(half, len(rows), candidates)]
    values, labels = (torch.cat(pair).numpy() for pair in zip(*parts))
    np.testing.assert_allclose(values, full.max(0), atol=1e-6)
    best = np.sort(full, axis=0)
    decided = best[-1] - best[-2] > 1e-6
    assert decided.mean() > 0.1
    assert (labels == full.argmax(0))[decided].all()

"""The IoU target against a loop over classes."""
import numpy as np
import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.functional.batch_iou import mean_class_iou


def by_hand(pred: np.ndarray, label: np.ndarray, ignore: int) -> float:
    pred, label = pred[label != ignore], label[label != ignore]
    ious = []
    for c in np.union1d(pred, label):
        ious.append(((pred == c) & (label == c)).sum() / ((pred == c) | (label == c)).sum())
    return float(np.mean(ious)) if ious else 0.0


def test_agrees_with_a_loop_over_classes():
    rng = np.random.default_rng(0)
    pred = rng.integers(0, 6, (5, 9, 7))
    labels = rng.choice([0, 1, 2, 4, 255], (5, 9, 7))
    labels[3] = pred[3]
    labels[4] = 255
    got = mean_class_iou(torch.from_numpy(pred), torch.from_numpy(labels), num_classes=6)
    expected = [by_hand(p, y, 255) for p, y in zip(pred, labels)]
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float32))
    assert got[3] == 1
    assert got[4] == 0


@pytest.mark.parametrize(('name', 'wrong'), [('labels', 6), ('labels', 254), ('labels', -1), ('pred', 6), ('pred', -1)])
def test_a_class_out_of_range_does_not_spill_into_another_image(name, wrong):
    maps = dict(pred=torch.ones(3, 4, 5, dtype=torch.int64), labels=torch.ones(3, 4, 5, dtype=torch.int64))
    maps[name][1, 2, 3] = wrong
    with pytest.raises(InputError, match=rf'{name} hold class {wrong}, outside \[0, 6\)'):
        mean_class_iou(**maps, num_classes=6)
    maps['labels'][1, 2, 3] = 255  # what is ignored may hold anything
    assert mean_class_iou(**maps, num_classes=6).tolist() == [1, 1, 1]

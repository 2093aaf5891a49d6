import numpy as np
import pytest
import slow_evaluator
import torch

from mmqanet.errors import InputError
from mmqanet.functional.overlaps import (
    confusion_matrix,
    mask_ious,
    mean_class_iou,
    runs,
    segmentation_scores,
)


@pytest.mark.parametrize('dtype', [np.uint8, np.int64])
def test_confusion_matrix_counts_pairs(dtype):
    rng = np.random.default_rng(0)
    pred, label = rng.integers(0, 4, (9, 7)).astype(dtype), rng.integers(0, 6, (9, 7)).astype(dtype)
    label[0, :3] = 255
    if dtype == np.int64:
        label[1, :3] = -1
    expected = np.zeros((4, 4), dtype=int)
    for p, t in zip(pred.ravel().tolist(), label.ravel().tolist()):
        if 0 <= t < 4:
            expected[t, p] += 1
    assert (confusion_matrix(pred, label, 4) == expected).all()
    tensors = confusion_matrix(torch.from_numpy(pred), torch.from_numpy(label), 4)
    assert tensors.dtype == torch.int64
    assert (tensors.numpy() == expected).all()


@pytest.mark.parametrize('kind', [np.asarray, torch.as_tensor])
def test_confusion_matrix_refuses_bad_input(kind):
    zeros = kind(np.zeros((2, 3), dtype=np.uint8))
    with pytest.raises(InputError, match=r'shape: \(2, 3\) and \(3, 2\)'):
        confusion_matrix(zeros, zeros.reshape(3, 2), 4)
    with pytest.raises(InputError, match=r'pred holds class.* outside \[0, 4\)'):
        confusion_matrix(zeros + 4, zeros, 4)


def test_segmentation_scores_of_a_worked_example():
    scores = segmentation_scores(np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]]))
    assert scores.class_iou == pytest.approx([6 / 9, 3 / 6, 0])
    assert scores.class_accuracy == pytest.approx([6 / 8, 3 / 4, 0])
    assert scores.mean_iou == pytest.approx((6 / 9 + 3 / 6 + 0) / 3)
    assert scores.mean_accuracy == pytest.approx((6 / 8 + 3 / 4 + 0) / 3)
    assert scores.pixel_accuracy == 9 / 12
    assert segmentation_scores(np.zeros((3, 3))).pixel_accuracy == 0


@pytest.mark.parametrize('high', [9, 700])
def test_mask_ious_against_masks(high):
    rng = np.random.default_rng(high)
    pred = rng.integers(0, 5, (12, 15)).astype(np.uint8)
    label = rng.choice([0, 1, 3, high], (12, 15)).astype(np.int32 if high > 255 else np.uint8)
    pred_ids, label_ids = np.array([4, 1, 7]), np.array([high, 1, 2, 3])  # 7 and 2 have no pixel
    expected = [[slow_evaluator.mask_iou(pred == p, label == t) for t in label_ids] for p in pred_ids]
    assert mask_ious(pred, label, pred_ids, label_ids) == pytest.approx(np.array(expected))
    assert mask_ious(pred, label, pred_ids[:0], label_ids).shape == (0, 4)


def test_runs_hold_every_pixel_once():
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 2, (7, 9)), rng.integers(0, 2, (7, 18))[:, ::2].astype(np.uint8)]
    values, lengths = runs(*maps)
    assert all((line.repeat(lengths) == whole.ravel()).all() for line, whole in zip(values, maps))
    assert (np.abs(np.diff(values[0])) + np.abs(np.diff(values[1].astype(int))) > 0).all()
    empty, lengths = runs(np.zeros((0, 4)))
    assert len(empty[0]) == len(lengths) == 0


def by_hand(pred: np.ndarray, label: np.ndarray, ignore: int) -> float:
    pred, label = pred[label != ignore], label[label != ignore]
    ious = []
    for c in np.union1d(pred, label):
        ious.append(((pred == c) & (label == c)).sum() / ((pred == c) | (label == c)).sum())
    return float(np.mean(ious)) if ious else 0.0


def test_the_mean_iou_of_each_image_agrees_with_a_loop_over_classes():
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

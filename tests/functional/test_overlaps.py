import numpy as np
import pytest
import slow_evaluator
import torch
from scenes import cut, random_scenes

from mmqanet.errors import InputError
from mmqanet.functional.overlaps import (
    class_areas,
    confusion_matrix,
    mask_ious,
    mean_present,
    people_class_ious,
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


def test_class_areas_count_what_lies_outside_a_crop_as_background():
    areas = class_areas([np.array([[1, 1], [0, 2]], dtype=np.uint8)], 4, image_area=100)
    assert areas.tolist() == [[97, 2, 1, 0]]


def test_runs_hold_every_pixel_once():
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 2, (7, 9)), rng.integers(0, 2, (7, 18))[:, ::2].astype(np.uint8)]
    values, lengths = runs(*maps)
    assert all((line.repeat(lengths) == whole.ravel()).all() for line, whole in zip(values, maps))
    assert (np.abs(np.diff(values[0])) + np.abs(np.diff(values[1].astype(int))) > 0).all()
    empty, lengths = runs(np.zeros((0, 4)))
    assert len(empty[0]) == len(lengths) == 0


def test_an_empty_crop_overlaps_background_alone():
    category = np.array([[1, 1, 0, 0]], dtype=np.uint8)
    ious, _ = people_class_ious([np.zeros((0, 3), np.uint8)], np.zeros((1, 2), int), category, category, np.array([1]), 3)
    assert ious[0, 0] == pytest.approx([2 / 4, 0, np.nan], nan_ok=True)


def test_people_class_ious_against_masks():
    compared = ignored = 0
    for scene in random_scenes(80):
        label_maps, offsets = cut(scene.people)
        ids = np.array([i for i in np.unique(scene.human) if i], dtype=int)
        ious, areas = people_class_ious(label_maps, offsets, scene.category, scene.human, ids, 5)
        assert ious.shape == (len(scene.people), len(ids), 5)
        for g, person in enumerate(ids):
            label = scene.category * (scene.human == person)
            valid = label < 5
            ignored += (~valid).any()
            assert areas[g].tolist() == [(label == c).sum() for c in range(5)]
            for n, pred in enumerate(scene.people):
                for c in range(5):
                    a, b = (label == c) & valid, (pred == c) & valid
                    expected = slow_evaluator.mask_iou(a, b) if (a | b).any() else np.nan
                    assert ious[n, g, c] == pytest.approx(expected, abs=1e-12, nan_ok=True)
                    compared += 1
                assert mean_present(ious[n, g]) == pytest.approx(slow_evaluator.mean_iou(label, pred, 5))
    assert compared > 500
    assert ignored > 5

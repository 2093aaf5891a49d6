"""Scores against coarse labels, counted by hand."""
import numpy as np
import pytest

from mmqanet.datasets import ATRDataset, CCPMergedDataset, CCPSidesDataset
from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.coarse import GROUPS, CoarseScores, group_table

CLASSES = ('background', 'hair', 'top', 'skirt', 'face', 'left-arm', 'bag')


def test_iou_of_groups():
    scores = CoarseScores(['background', 'hair', '-', 'clothing', 'skin'], CLASSES)
    labels = np.array([[0, 0, 1, 1, 2, 2], [3, 3, 3, 4, 4, 9]], np.uint8)
    scores.add(labels, np.array([[0, 1, 1, 4, 2, 4], [2, 3, 6, 4, 5, 1]]), name='one')
    # background 1 of 2, and nothing taken for it; hair 1 right of 2 + 1; clothing 2 of 3, a bag is none; skin 2 of 2 + 1.
    assert scores.groups == ('background', 'hair', 'clothing', 'skin')
    assert scores.iou == pytest.approx([1 / 2, 1 / 3, 2 / 3, 2 / 3])
    scores.add(labels[:1, :2], np.zeros((1, 2), int), name='two')
    assert scores.iou[0] == pytest.approx(3 / 4)


def test_a_group_that_is_nowhere_has_no_iou():
    scores = CoarseScores(['background', 'hair'], CLASSES)
    scores.add(np.zeros((2, 2), np.uint8), np.zeros((2, 2), int), name='one')
    assert scores.iou[0] == 1
    assert np.isnan(scores.iou[1])


def test_every_garment_and_all_skin_of_the_data_sets_have_their_group():
    groups = tuple(GROUPS)
    for dataset, apart in ((CCPMergedDataset, {'eyewear', 'shoes', 'bag', 'accessories'}),
                           (CCPSidesDataset, {'eyewear', 'left-shoe', 'right-shoe', 'bag', 'accessories'}),
                           (ATRDataset, {'sunglasses', 'left-shoe', 'right-shoe', 'bag'})):
        classes = dataset.METAINFO['classes']
        table = group_table(classes, groups)
        assert {name for name, group in zip(classes, table) if group == len(groups)} == apart


def test_what_does_not_fit():
    with pytest.raises(InputError, match="group 'fur' is none of background, hair"):
        CoarseScores(['background', 'fur'], CLASSES)
    with pytest.raises(DataError, match=r'one: labels of \(2, 2\) .* the photo has \(2, 3\)'):
        CoarseScores(['background'], CLASSES).add(np.zeros((2, 2), np.uint8), np.zeros((2, 3), int), name='one')

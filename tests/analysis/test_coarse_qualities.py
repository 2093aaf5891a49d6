"""Qualities beside true IoUs on photos with coarse labels, counted by hand."""
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.analysis.coarse_qualities import CoarseQualities
from mmqanet.errors import InputError
from mmqanet.structures import ParsingDataSample

CLASSES = ('background', 'hair', 'top', 'skirt', 'skin')
LABELS = ['background', 'hair', '-', 'clothing', 'skin']


def parsed(category: np.ndarray, qualities: list[float]) -> ParsingDataSample:
    """One person of some classes (H, W), each a part of a quality of which half is expected."""
    labels = np.unique(category[category > 0])
    people = InstanceData(part_qualities=torch.zeros(1, 4))
    people.part_qualities[0, labels - 1] = torch.tensor(qualities)
    people.expected_part_ious = people.part_qualities / 2
    part = np.searchsorted(labels, category) + 1
    return ParsingDataSample(
        pred_instances=people, pred_maps=PixelData(part=torch.from_numpy(np.where(category > 0, part, 0))[None]),
        pred_parts=InstanceData(labels=torch.from_numpy(labels), people=torch.zeros(len(labels), dtype=torch.int64)))


def test_parts_of_groups_of_one_class_are_compared_with_the_labels():
    qualities = CoarseQualities(LABELS, CLASSES)
    labels = np.array([[1, 1, 1, 2, 0], [3, 3, 4, 4, 9]])
    qualities.add(labels, parsed(np.array([[1, 1, 0, 1, 1], [2, 3, 4, 4, 4]]), [0.8, 0.9, 0.9, 0.6]))
    qualities.add(labels, parsed(np.array([[1, 1, 1, 0, 0], [2, 2, 2, 2, 2]]), [0.7, 0.5]))
    found = qualities.reliabilities()
    assert list(found) == ['hair', 'skin', 'all']
    before, after = found['hair']
    assert before.scores == pytest.approx([0.8, 0.7])
    assert after.scores == pytest.approx([0.4, 0.35])
    assert before.truths == pytest.approx([2 / 4, 1]), 'one pixel is not counted, one is background'
    assert found['skin'][0].truths == pytest.approx([1]), 'the last pixel is not counted; the second photo shows no skin'
    assert found['all'][0].scores == pytest.approx([0.8, 0.7, 0.6])
    assert found['all'][0].calibration_error == pytest.approx((0.3 + 0.3 + 0.4) / 3)
    assert found['all'][1].calibration_error == pytest.approx((0.1 + 0.65 + 0.7) / 3)


def test_a_photo_without_parts_adds_nothing():
    qualities = CoarseQualities(LABELS, CLASSES)
    qualities.add(np.ones((2, 5), int), parsed(np.zeros((2, 5), int), []))
    assert [len(before.scores) for before, _ in qualities.reliabilities().values()] == [0, 0, 0]


def test_a_group_of_one_class_is_needed():
    with pytest.raises(InputError, match='none of background, clothing is a single class'):
        CoarseQualities(['background', 'clothing'], CLASSES)
    with pytest.raises(InputError, match="group 'fur' is none of"):
        CoarseQualities(['background', 'fur'], CLASSES)

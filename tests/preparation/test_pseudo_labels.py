"""Pseudo-labels: what the tags allow, what must appear, which parts are kept, and the tool from photo to training sample."""
import numpy as np
import pytest

from mmqanet.datasets.ccp import CCP_CLASSES
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES
from mmqanet.preparation.converters.batch import UnusableSample
from mmqanet.preparation.converters.ccp_sides import PARTIAL
from mmqanet.preparation.converters.ccp_tagged import person_box
from mmqanet.preparation.pseudo_labels import agree_on_sides, keep_sure, missing_classes, possible_classes


def tags(*names):
    return [CCP_CLASSES.index(name) for name in names]


def label(name):
    return CCP_SIDES_CLASSES.index(name)


def test_tags_allow_their_classes_skin_and_hair():
    possible = possible_classes(tags('jeans', 'boots', 't-shirt'))
    names = {name for name, allowed in zip(CCP_SIDES_CLASSES, possible) if allowed}
    assert names == {
        'background', 'hair', 'trousers', 'left-shoe', 'right-shoe', 'top', 'face', 'torso-skin', 'left-arm', 'right-arm',
        'left-leg', 'right-leg'}


def test_tagged_garments_must_appear():
    labels = np.zeros((100, 100), np.uint8)
    labels[:10] = label('trousers')
    labels[10, :4] = label('skirt')
    labels[11, :3], labels[11, 3:6] = label('left-shoe'), label('right-shoe')
    given = tags('jeans', 'skirt', 'boots', 'belt', 'ring', 'skin', 'hat')
    assert missing_classes(labels, given, least=5e-4) == ['hat', 'skirt']  # shoes count together


def test_parts_of_a_low_quality_are_ignored():
    labels = np.array([[0, 1, 2], [3, 1, 255]], np.uint8)
    labels[1, 2] = 2
    assert keep_sure(labels, [0.9, 0.69, 0.7], quality_thr=0.7).tolist() == [[0, 1, 255], [3, 1, 255]]
    assert (keep_sure(labels, [0.0, 0.0, 0.0], quality_thr=0) == labels).all()


def test_sides_that_body_parts_deny_become_partial_labels():
    labels = np.zeros((60, 60), np.uint8)
    labels[5:15], labels[20:30, :20], labels[20:30, 40:] = label('top'), label('left-leg'), label('right-leg')
    labels[40:50, :20], labels[40:50, 40:] = label('right-shoe'), label('left-shoe')
    parts = np.zeros((60, 60), np.uint8)
    parts[20:30, :20], parts[20:30, 40:] = 19, 21  # shins, left and right
    parts[40:50, :20], parts[40:50, 40:] = 23, 24  # feet, left and right
    expected = labels.copy()
    expected[40:50][expected[40:50] > 0] = PARTIAL['shoes']
    assert (agree_on_sides(labels, parts) == expected).all()


def test_the_box_of_the_largest_region():
    parts = np.zeros((100, 80), np.uint8)
    parts[10:20, 60:70] = 3
    parts[20:90, 20:50] = 7
    assert person_box(parts) == pytest.approx([20 - 0.9, 20 - 2.1, 50 + 0.9, 90 + 2.1])
    parts[20:90] = 7
    assert person_box(parts)[[0, 2]].tolist() == [0, 80]
    with pytest.raises(UnusableSample, match='nobody found'):
        person_box(np.zeros((10, 10), np.uint8))

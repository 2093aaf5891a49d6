"""Calibrations: broken lines that keep the order, from and to plain values."""
import json

import numpy as np
import pytest

from mmqanet.errors import InputError
from mmqanet.functional.calibration import Calibration, QualityCalibration


def test_values_lie_on_the_line_and_stay_constant_beyond_it():
    line = Calibration((0.2, 0.6, 0.8), (0.1, 0.5, 0.5))
    found = line(np.array([[0.0, 0.2, 0.3], [0.4, 0.7, 1.0]]))
    np.testing.assert_allclose(found, [[0.1, 0.1, 0.2], [0.3, 0.5, 0.5]], atol=1e-12)


def test_the_order_of_qualities_is_kept():
    line = Calibration((0.1, 0.5, 0.9), (0.0, 0.2, 1.0))
    assert (np.diff(line(np.linspace(0, 1, 101))) >= 0).all()


@pytest.mark.parametrize(('qualities', 'ious'), [
    ((), ()), ((0.1,), (0.1, 0.2)), ((0.1, 0.1), (0.1, 0.2)), ((0.5, 0.1), (0.1, 0.2)), ((0.1, 0.5), (0.3, 0.2)),
    ((0.1, 1.5), (0.1, 0.2)), ((0.1, 0.5), (-0.1, 0.2)), ((0.1, float('nan')), (0.1, 0.2))])
def test_what_is_no_calibration_is_refused(qualities, ious):
    with pytest.raises(InputError, match='calibration'):
        Calibration(qualities, ious)


def test_every_class_has_its_own_and_all_survive_plain_values():
    calibration = QualityCalibration(
        Calibration((0.0, 1.0), (0.0, 0.5)), (Calibration((0.0, 1.0), (0.0, 1.0)), Calibration((0.5,), (0.7,))),
        Calibration((0.0,), (0.3,)))
    again = QualityCalibration.from_config(json.loads(json.dumps(calibration.to_config())))
    assert again == calibration
    np.testing.assert_allclose(again.expected_part_ious(np.array([[0.2, 0.2], [0.9, 0.9]])), [[0.2, 0.7], [0.9, 0.7]])
    assert again.people(np.array([0.4])) == pytest.approx([0.2])
    with pytest.raises(InputError, match='2 classes, but there are qualities of 3'):
        again.expected_part_ious(np.zeros((1, 3)))


def test_merged_classes_take_the_calibration_of_all_unless_they_are_one():
    lines = [Calibration((0.5,), (iou,)) for iou in (0.1, 0.2, 0.3, 0.4)]
    pooled = Calibration((0.5,), (0.9,))
    merged = QualityCalibration(lines[0], tuple(lines), pooled).merged([0, 2, 1, 2, -1])
    assert merged.parts == (lines[1], pooled)
    assert merged.people == lines[0]


@pytest.mark.parametrize('config', [
    {}, dict(people={}, parts=[], pooled={}), dict(people=dict(qualities=[0.1], ious=[0.1]), parts=3),
    dict(people=dict(qualities=[0.1], ious=[0.1]), parts=[]), dict(people=3, parts=[], pooled=3),
    dict(people=dict(qualities=3, ious=[0.1]), parts=[], pooled={}), dict(people=None, parts=None, pooled=None),
    *(dict(people=knots, parts=[], pooled=dict(qualities=[0.1], ious=[0.1])) for knots in (
        dict(qualities=['a'], ious=[0.1]), dict(qualities=[0.1, 0.2], ious=[0.1]), dict(qualities=[], ious=[])))])
def test_plain_values_without_calibration_are_refused(config):
    with pytest.raises(InputError, match=r'^(a )?calibration'):
        QualityCalibration.from_config(config)


def test_merged_classes_take_what_was_fitted_on_them():
    """It survives plain values, stands beside others, and takes the place of an older one of the same classes."""
    line = Calibration((0.5,), (0.1,))
    own, first, second, other = (QualityCalibration(Calibration((0.5,), (iou,)), (line,) * parts, line)
                                 for iou, parts in ((0.1, 3), (0.2, 1), (0.3, 1), (0.4, 2)))
    both = own.with_merged([0, 1, 1, -1], first).with_merged([0, 2, 1, 2], other).with_merged([0, 1, 1, -1], second)
    both = QualityCalibration.from_config(json.loads(json.dumps(both.to_config())))
    assert both.merged([0, 1, 1, -1]) == second
    assert both.merged((0, 2, 1, 2)) == other
    assert both.merged([0, 1, -1, 1]).people == own.people
    assert (both.people, both.parts) == (own.people, own.parts)
    assert 'merges' not in own.to_config()

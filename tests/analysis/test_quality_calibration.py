"""Fitted calibrations are monotone, true on average, and pooled where a class has few parts."""
import numpy as np
import pytest

from mmqanet.analysis.quality_calibration import fit_calibration, fit_quality_calibration
from mmqanet.analysis.quality_pairs import _known
from mmqanet.analysis.reliability import reliability
from mmqanet.errors import InputError
from mmqanet.utils.files import write_label_map


def pairs(number: int, *, power: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Qualities, and true IoUs around a power of them."""
    rng = np.random.default_rng(seed)
    qualities = rng.random(number)
    return qualities, (qualities**power + rng.normal(0, 0.1, number)).clip(0, 1)


def test_it_finds_the_curve_that_the_pairs_lie_around():
    line = fit_calibration(*pairs(20_000, power=2))
    places = np.linspace(0.4, 0.9, 11)  # below, noise that is cut off at 0 lifts the mean
    np.testing.assert_allclose(line(places), places**2, atol=0.03)
    assert len(line.qualities) <= 20


def test_it_lowers_the_calibration_error_on_other_pairs():
    line = fit_calibration(*pairs(5_000, power=3))
    scores, truths = pairs(5_000, power=3, seed=1)
    before = reliability(scores, truths).calibration_error
    after = reliability(line(scores), truths).calibration_error
    assert before > 0.15
    assert after < 0.02


def test_violators_are_pooled_by_weight():
    """Groups of one quality each: the middle two violate the order and take their weighted mean."""
    qualities = np.repeat([0.1, 0.4, 0.5, 0.9], [2, 1, 3, 2])
    truths = np.repeat([0.1, 0.8, 0.4, 0.9], [2, 1, 3, 2])
    line = fit_calibration(qualities, truths, most_knots=100)
    np.testing.assert_allclose(line.qualities, [0.1, 0.4, 0.5, 0.9])
    np.testing.assert_allclose(line.ious, [0.1, 0.5, 0.5, 0.9])


def test_unknown_pairs_are_left_out():
    nan = float('nan')
    line = fit_calibration(np.array([0.2, 0.2, nan, 0.4]), np.array([0.1, nan, 0.9, 0.3]))
    assert line.qualities == pytest.approx((0.2, 0.4))
    assert line.ious == pytest.approx((0.1, 0.3))
    with pytest.raises(InputError, match='nothing to fit'):
        fit_calibration(np.array([nan]), np.array([0.5]))


def test_a_class_of_few_parts_takes_the_calibration_of_all():
    qualities, truths = pairs(400, power=1)
    part_qualities = np.stack([qualities, pairs(400, power=1, seed=2)[0]], axis=1)
    part_truths = np.stack([truths, part_qualities[:, 1] ** 4], axis=1)
    part_truths[50:, 1] = np.nan
    found = fit_quality_calibration(
        qualities=qualities, truths=truths, part_qualities=part_qualities, part_truths=part_truths, least_pairs=100)
    pooled = fit_calibration(part_qualities.ravel(), part_truths.ravel())
    assert found.parts[0] == fit_calibration(part_qualities[:, 0], part_truths[:, 0]) != pooled
    assert found.parts[1] == found.pooled == pooled
    assert found.people == fit_calibration(qualities, truths)


def test_parts_that_a_partial_label_leaves_open_are_unknown(tmp_path):
    """Class 1 is nowhere, but the partial label 4 may be it; class 2 is somewhere; class 3 is nowhere for certain."""
    write_label_map(tmp_path / 'labels.png', np.array([[0, 4, 2], [2, 255, 0]]))
    info, found = dict(category_path=tmp_path / 'labels.png'), np.array([[0.0, 0.6, 0.0]])
    known = _known(found, info, range(4), [(1, 2)])
    np.testing.assert_array_equal(known, [[np.nan, 0.6, 0]])
    assert _known(found, info, range(4), []) is found
    merged = _known(np.array([[0.0, 0.0]]), info, [0, 1, 1, 2], [(1, 2)])
    np.testing.assert_array_equal(merged, [[0, 0]])

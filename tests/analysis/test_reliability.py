import numpy as np
import pytest

from mmqanet.analysis.reliability import reliability
from mmqanet.errors import InputError


def test_bins_and_calibration_by_hand():
    found = reliability(np.array([0.1, 0.12, 0.5, 0.58, 1.0, np.nan, 0.3]), np.array([0.2, 0.4, 0.5, 0.7, 0.6, 0.9, np.nan]),
                        num_bins=5)
    assert found.counts.tolist() == [2, 0, 2, 0, 1]
    np.testing.assert_allclose(found.mean_scores, [0.11, np.nan, 0.54, np.nan, 1.0])
    np.testing.assert_allclose(found.mean_truths, [0.3, np.nan, 0.6, np.nan, 0.6])
    assert found.calibration_error == pytest.approx((2 * 0.19 + 2 * 0.06 + 0.4) / 5)
    assert len(found.scores) == 5
    assert found.document()['bins'][1] == dict(low=0.2, high=0.4, count=0, mean_score=None, mean_iou=None)


def test_the_correlation_is_that_of_ranks():
    rng = np.random.default_rng(0)
    scores, truths = rng.random(40).round(1), rng.random(40).round(1)
    ranks = [np.array([(values < value).sum() + ((values == value).sum() + 1) / 2 for value in values])
             for values in (scores, truths)]
    assert reliability(scores, truths).rank_correlation == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert reliability(scores, scores**3).rank_correlation == pytest.approx(1)


def test_a_score_that_is_the_same_for_all_has_no_correlation():
    assert np.isnan(reliability(np.ones(5), np.arange(5) / 5).rank_correlation)
    empty = reliability(np.zeros(0), np.zeros(0))
    assert empty.document()['rank_correlation'] is empty.document()['calibration_error'] is None


def test_bad_input_is_refused_by_name():
    with pytest.raises(InputError, match='scores and truths'):
        reliability(np.ones(3), np.ones(4))
    with pytest.raises(InputError, match='scores must lie'):
        reliability(np.array([0.5, 1.2]), np.ones(2))

"""Worked examples, one for each rule; whole data sets are compared in tests/evaluation/test_scores.py."""
import numpy as np
import pytest
import slow_evaluator

from mmqanet.functional.average_precision import (
    HUMAN_THRESHOLDS,
    PART_THRESHOLDS,
    average_precision,
    mask_precision,
    match_masks,
    match_people,
    mean_defined,
    person_precision,
    precision_recall,
    threshold_column,
)

HALF = np.array([0.5])


def test_thresholds_are_the_nearest_floats():
    assert PART_THRESHOLDS.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert HUMAN_THRESHOLDS.tolist() == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    assert [threshold_column(HUMAN_THRESHOLDS, t) for t in (0.5, 0.75)] == [0, 5]


def test_area_under_the_envelope_of_a_worked_example():
    # hit, miss, hit of 4 targets: recall 1/4, 1/4, 2/4; precision 1, 1/2, 2/3
    scores, hits = np.array([0.7, 0.9, 0.8]), np.array([[True], [True], [False]])
    assert average_precision(scores, hits, 4) == pytest.approx([1 / 4 + 1 / 4 * 2 / 3])
    recall, precision = precision_recall(scores, hits, 4)
    assert recall[:, 0].tolist() == [0.25, 0.25, 0.5]
    assert precision[:, 0] == pytest.approx([1, 2 / 3, 2 / 3])


def test_area_against_the_definition():
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores, hits = rng.random(20).round(1), rng.random((20, 3)) < 0.5
        order = sorted(range(20), key=lambda i: -scores[i])
        expected = [slow_evaluator.area_under_envelope(hits[order, t].tolist(), 7) for t in range(3)]
        assert average_precision(scores, hits, 7) == pytest.approx(expected)


def test_without_targets_predictions_make_it_undefined():
    assert np.isnan(average_precision(np.ones(2), np.zeros((2, 3), bool), 0)).all()
    assert average_precision(np.zeros(0), np.zeros((0, 3), bool), 0).tolist() == [0, 0, 0]
    assert average_precision(np.zeros(0), np.zeros((0, 3), bool), 5).tolist() == [0, 0, 0]


@pytest.mark.parametrize(('predictions', 'targets'), [(2, 0), (0, 0), (0, 5)])
def test_without_targets_or_predictions_there_is_no_curve(predictions, targets):
    curve = precision_recall(np.ones(predictions), np.ones((predictions, 3), bool), targets)
    assert [values.shape for values in curve] == [(0, 3), (0, 3)]


def people_ious(*rows):
    """Class IoUs (N, G, 3) whose mean is the number given, all classes alike."""
    return np.repeat(np.array(rows, dtype=float)[:, :, None], 3, axis=2)


AREAS = np.array([[5, 5, 5], [5, 5, 5]])


def test_a_person_counts_once_and_only_the_best_is_tried():
    matches = match_people(people_ious([0.9, 0.6], [0.8, 0.7], [0.1, 0.6]), np.array([0.9, 0.8, 0.7]), AREAS,
                           thresholds=HALF)
    # the second predicts person 0 best, which is used; that it also overlaps person 1 does not help it
    assert matches.hits[:, 0].tolist() == [True, False, True]
    assert person_precision([matches], num_thresholds=1)[0] == pytest.approx([1 / 2 + 1 / 2 * 2 / 3])


def test_an_iou_at_the_threshold_is_a_miss():
    matches = match_people(people_ious([0.5, 0.0]), np.array([0.9]), AREAS, thresholds=np.array([0.4, 0.5]))
    assert matches.hits.tolist() == [[True, False]]
    masks = match_masks(np.array([[0.5]]), np.array([1]), np.array([1.0]), np.array([1]), 2)
    assert mask_precision([masks], np.array([0.4, 0.5]), 2)[1].tolist() == [1, 0]


def test_higher_scores_choose_first_and_low_ones_are_left_out():
    matches = match_people(people_ious([0.9, 0], [0.8, 0], [0.0, 0.9]), np.array([0.2, 0.3, 0.009]), AREAS,
                           thresholds=HALF)
    assert matches.scores.tolist() == [0.3, 0.2]
    assert matches.hits[:, 0].tolist() == [True, False]
    assert matches.num_people == 2


def test_pcp_is_the_share_of_correct_annotated_classes():
    ious = np.array([[[0.9, 0.8, 0.4, 0.95, np.nan], [0.9, 0, 0, 0, np.nan]]])
    areas = np.array([[50, 5, 5, 0, 0], [50, 5, 5, 5, 0]])
    app, pcp = person_precision([match_people(ious, np.array([0.9]), areas, thresholds=HALF)], num_thresholds=1)
    assert app.tolist() == [0.5]
    assert pcp.tolist() == [(2 / 2 + 0) / 2]  # classes 1 and 3 over the two annotated ones; person 1 is missed
    empty = np.array([[50, 0, 0, 0, 0], [50, 5, 5, 5, 0]])
    assert match_people(ious, np.array([0.9]), empty, thresholds=HALF).correct_parts.tolist() == [2.0]


def test_annotated_masks_are_not_used_up():
    ious = np.array([[0.9], [0.8], [0.7]])
    masks = match_masks(ious, np.array([1, 1, 2]), np.array([0.9, 0.8, 0.7]), np.array([1]), 3)
    assert masks.ious.tolist() == [0.9, 0.8, 0.0]  # class 2 has nothing of its class to match
    table = mask_precision([masks], HALF, 3)
    assert table[1].tolist() == [2.0]  # both duplicates count: recall 2
    assert np.isnan(table[2]).all()
    assert table[0].tolist() == [0.0]
    assert mean_defined(table[1:]).tolist() == [2.0]


def test_person_masks_of_a_worked_example():
    masks = match_masks(np.array([[0.7, 0.0], [0.0, 0.52]]), np.zeros(2), np.array([0.9, 0.8]), np.zeros(2), 1)
    aph = mask_precision([masks], HUMAN_THRESHOLDS, 1)[0]
    assert aph.tolist() == [1, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert aph.mean() == pytest.approx(0.25)


def test_mean_of_nothing_defined_is_undefined():
    assert np.isnan(mean_defined(np.full((2, 1), np.nan))).all()

"""Boxes of tiles, joined: whole ones, cut ones, pieces of one person."""
import numpy as np
import pytest

from mmqanet.functional.tiled_boxes import cut_by_tile, join_boxes, lie_within


@pytest.mark.parametrize(('box', 'expected'), [
    ((120, 120, 180, 190), False),
    ((101, 120, 180, 190), True),  # at the left border of the tile
    ((120, 120, 198, 190), True),
    ((120, 0, 180, 90), False),  # at the top, where the image ends as well
    ((120, 40, 180, 197), True),
])
def test_only_borders_inside_the_image_cut(box, expected):
    cut = cut_by_tile(np.array([box], np.float32), (100, 0, 200, 200), (400, 400), margin=3)
    assert cut.tolist() == [expected]


def test_what_lies_in_another_box_by_more_than_half():
    others = np.array([(0, 0, 10, 10), (100, 0, 110, 10)], np.float32)
    boxes = np.array([(2, 2, 4, 4), (6, 0, 16, 10), (104, 0, 114, 10), (50, 50, 60, 60)], np.float32)
    assert lie_within(boxes, others).tolist() == [True, False, True, False]
    assert lie_within(boxes, others[:0]).tolist() == [False] * 4


def joined(*rows):
    """Of rows x1, y1, x2, y2, score, cut."""
    rows = np.array(rows, np.float32).reshape(-1, 6)
    boxes, scores = join_boxes(rows[:, :4], rows[:, 4], rows[:, 5].astype(bool))
    assert (np.diff(scores) <= 0).all()
    assert boxes.dtype == scores.dtype == np.float32
    return [(*box, round(float(score), 3)) for box, score in zip(boxes.tolist(), scores)]


def test_the_better_of_two_boxes_of_a_person_stays():
    assert joined((0, 0, 10, 30, 0.6, 0), (1, 0, 11, 30, 0.8, 0)) == [(1, 0, 11, 30, 0.8)]


def test_a_child_in_front_of_an_adult_is_a_person():
    adult, child = (0, 0, 40, 100, 0.9), (10, 50, 25, 95, 0.5)
    assert joined((*adult, 0), (*child, 0)) == [adult, child]


def test_a_piece_of_somebody_whole_is_dropped_however_sure():
    assert joined((0, 0, 40, 50, 0.95, 1), (0, 0, 40, 100, 0.4, 0)) == [(0, 0, 40, 100, 0.4)]


def test_pieces_become_one_person_with_the_better_score():
    """Three tiles see a tall person's head and chest, waist, legs; each piece shares more than its half with one before."""
    assert joined((0, 0, 40, 50, 0.5, 1), (2, 20, 44, 78, 0.7, 1), (1, 60, 41, 90, 0.6, 1)) == [(0, 0, 44, 90, 0.7)]


def test_pieces_that_hardly_touch_stay_two():
    one, other = (0, 0, 40, 50, 0.5), (0, 45, 40, 90, 0.4)
    assert joined((*one, 1), (*other, 1)) == [one, other]


def test_nobody_and_no_area():
    assert joined() == []
    assert joined((5, 5, 5, 5, 0.5, 1)) == [(5, 5, 5, 5, 0.5)]

"""Lines and hatching: where they lie, how wide they are, what they leave alone."""
import colorsys

import numpy as np
import pytest

from mmqanet.structures import LabelSet
from mmqanet.visualization.paint import PAPER, blend, outline, track_colour, windows_of

LABELS = LabelSet(('background', 'red', 'blue'), ((0, 0, 0), (255, 0, 0), (0, 0, 255)))


@pytest.fixture
def category() -> np.ndarray:
    labels = np.zeros((400, 400), np.uint8)
    labels[100:300, 100:200], labels[100:300, 200:300] = 1, 2
    return labels


def test_people_get_a_light_line_with_a_dark_rim_and_parts_a_dark_one(category):
    image = np.full((400, 400, 3), 120, np.uint8)
    drawn = outline(image, category, (category > 0).astype(np.int32))
    assert drawn[200, 100].min() > 200
    assert drawn[200, 98].max() < 60
    assert drawn[200, 199].max() < 60  # between the parts
    untouched = np.ones((400, 400), bool)
    untouched[95:305, 95:305] = False
    untouched[110:290, 110:190] = untouched[110:290, 210:290] = True
    assert (drawn[untouched] == 120).all()
    assert (image == 120).all()


def test_touching_people_are_told_apart(category):
    image = np.full((400, 400, 3), 120, np.uint8)
    drawn = outline(image, np.minimum(category, 1), category.astype(np.int32))
    assert (drawn[200, 195:205].min(axis=1) > 200).any()


def test_lines_grow_with_the_picture(category):
    def width(zoom: int) -> int:
        labels = category.repeat(zoom, 0).repeat(zoom, 1)
        drawn = outline(np.full((*labels.shape, 3), 120, np.uint8), labels, (labels > 0).astype(np.int32))
        return int((drawn[200 * zoom, :150 * zoom] != 120).any(1).sum())

    assert width(8) > 2 * width(1) > 0


def test_lines_leave_small_people_visible():
    def share_hidden(height: int) -> float:
        labels = np.zeros((600, 900), np.uint8)
        labels[100:100 + height, 100:100 + height // 3] = 1
        drawn = outline(np.full((600, 900, 3), 120, np.uint8), labels, labels.astype(np.int32))
        return float((drawn != 120).any(2)[labels > 0].mean())

    assert share_hidden(60) < 0.4
    assert share_hidden(400) < 0.1


def test_specks_get_no_outline():
    human = np.zeros((300, 300), np.int32)
    human[100, 100] = human[150:153, 150:153] = 1
    image = np.full((300, 300, 3), 120, np.uint8)
    assert (outline(image, np.zeros((300, 300), np.uint8), human) == image).all()


def test_hatching_thins_the_colour_of_doubtful_pixels_only(category):
    image = np.full((400, 400, 3), 100, np.uint8)
    doubtful = category == 2
    drawn = blend(image, category, LABELS, 1.0, doubtful)
    assert (drawn[category == 1] == (0, 0, 255)).all()
    values = {tuple(pixel) for pixel in drawn[doubtful].tolist()}
    assert values == {(255, 0, 0), (131, 80, 80)}  # full, and a fifth of it
    assert (drawn[category == 0] == 100).all()


def test_windows_hold_all_pixels_of_their_label():
    labels = np.zeros((20, 30), np.int32)
    labels[3:7, 4:9], labels[10, 29] = 2, 5
    assert windows_of(labels) == [(2, (slice(3, 7), slice(4, 9))), (5, (slice(10, 11), slice(29, 30)))]


def test_borders_lie_on_labelled_pixels(category):
    image = np.full((400, 400, 3), 120, np.uint8)
    changed = (outline(image, category, np.zeros((400, 400), np.int32)) != image).any(2)
    assert changed[200, 199]
    assert not changed[category == 0].any()


def test_lines_have_the_colours_of_tracks(category):
    image = np.full((400, 400, 3), 120, np.uint8)
    drawn = outline(image, category, category.astype(np.int32), tracks=np.array([7, 0]))
    line = np.abs(drawn[200, 95:106].astype(int) - track_colour(7)).sum(axis=1)
    assert line.min() < 60
    assert drawn[200, 295:306].min(axis=1).max() > 200, 'without a track as ever'
    assert (drawn != outline(image, category, category.astype(np.int32))).any()


def test_tracks_next_to_each_other_differ_in_colour():
    colours = np.array([track_colour(number) for number in range(1, 9)])
    apart = np.abs(colours[:, None] - colours).sum(axis=2) + 999 * np.eye(len(colours), dtype=int)
    assert apart.min() > 60
    assert colours.max(axis=1).min() == 255, 'light ones'
    assert track_colour(0) == PAPER
    for number in (*range(1, 60), 100, 12345):
        expected = 255 * np.array(colorsys.hsv_to_rgb(number * 0.61803 % 1, 0.75, 1)[::-1])
        np.testing.assert_allclose(track_colour(number), expected, rtol=0, atol=0.51)

"""Layers: their labels are their polygons, the nearer covers the farther, adornments leave labels alone."""
import cv2
import numpy as np
import pytest

from mmqanet.preparation.toy.canvas import SUPERSAMPLING, Canvas, Layer
from mmqanet.preparation.toy.parts import Part
from mmqanet.preparation.toy.texture import Material

RED, BLUE = Material(np.array([0.0, 0.0, 200.0])), Material(np.array([200.0, 0.0, 0.0]))
SCALE = float(SUPERSAMPLING)  # polygons below are in pixels of the picture


def box(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


@pytest.fixture
def canvas():
    return Canvas(np.full((40, 60, 3), 100, np.uint8))


def paint(canvas, layer, person=1):
    canvas.paint(layer, person, SCALE, np.zeros(2))


def test_labels_are_the_polygon(canvas):
    triangle = np.array([(10.0, 5.0), (50.0, 12.0), (20.0, 35.0)])
    paint(canvas, Layer([triangle], RED, Part.SKIRT), person=3)
    image, human, category = canvas.finished()
    inside = np.array([[cv2.pointPolygonTest(triangle.astype(np.float32), (x + 0.25, y + 0.25), True) for x in range(60)]
                       for y in range(40)])
    certain = np.abs(inside) > 0.75
    assert certain.sum() > 2000
    np.testing.assert_array_equal((category == Part.SKIRT)[certain], (inside > 0)[certain])
    np.testing.assert_array_equal(human, np.where(category > 0, 3, 0))
    assert (image[inside < -2] == 100).all()
    assert (image[inside > 2][:, 2] > image[inside > 2][:, 0] + 50).all()


def test_nearer_covers_farther(canvas):
    paint(canvas, Layer([box(5, 5, 30, 30)], RED, Part.COAT), person=1)
    paint(canvas, Layer([box(20, 10, 50, 20)], BLUE, Part.HAT), person=2)
    image, human, category = canvas.finished()
    assert (human[15, 25], category[15, 25]) == (2, Part.HAT)
    assert (human[25, 25], category[25, 25]) == (1, Part.COAT)
    assert image[15, 25, 0] > 100
    assert image[25, 25, 0] < 50


def test_pieces_unite_and_cuts_show_what_lies_below(canvas):
    paint(canvas, Layer([box(5, 5, 50, 35)], RED, Part.TORSO_SKIN))
    paint(canvas, Layer([box(10, 10, 30, 30), box(20, 10, 40, 30)], BLUE, Part.DRESS, cuts=[box(12, 12, 18, 28)]))
    category = canvas.finished()[2]
    assert category[20, 25] == Part.DRESS, 'where the pieces overlap'
    assert category[20, 15] == Part.TORSO_SKIN
    assert canvas.finished()[0][20, 15, 2] > 100


def test_adornments_keep_labels_and_stay_on_their_person(canvas):
    paint(canvas, Layer([box(0, 0, 60, 40)], RED, Part.COAT), person=1)
    paint(canvas, Layer([box(10, 10, 20, 20)], RED, Part.FACE), person=2)
    before = canvas.finished()
    paint(canvas, Layer([box(12, 12, 40, 18)], BLUE), person=2)
    image, human, category = canvas.finished()
    np.testing.assert_array_equal(human, before[1])
    np.testing.assert_array_equal(category, before[2])
    assert image[15, 15, 0] > 100
    np.testing.assert_array_equal(image[:, 25:], before[0][:, 25:])


def test_things_take_the_labels_away(canvas):
    paint(canvas, Layer([box(5, 5, 50, 35)], RED, Part.COAT))
    paint(canvas, Layer([box(20, 10, 30, 30)], BLUE, Part.BACKGROUND))
    _, human, category = canvas.finished()
    assert human[20, 25] == category[20, 25] == 0
    assert human[20, 10] == 1


def test_beyond_the_border(canvas):
    before = canvas.finished()
    paint(canvas, Layer([box(70, 5, 90, 20)], RED, Part.COAT))
    paint(canvas, Layer([box(5, -30, 20, -2)], RED, Part.COAT))
    for now, then in zip(canvas.finished(), before):
        np.testing.assert_array_equal(now, then)
    paint(canvas, Layer([box(50, 30, 90, 80)], RED, Part.COAT))
    np.testing.assert_array_equal(np.argwhere(canvas.finished()[2] == Part.COAT).max(axis=0), (39, 59))

"""Backdrops: every kind in every variant, and where its things lie."""
from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mmqanet.preparation.toy import background

WIDTH, HEIGHT = 200, 120
FILLED = -1


class Pencil:
    """OpenCV's drawing, which is noted: a call's name and arguments after the image."""

    def __init__(self):
        self.strokes = []

    def __getattr__(self, name):
        function = getattr(cv2, name)
        if name not in ('rectangle', 'circle', 'ellipse', 'line', 'fillConvexPoly'):
            return function

        def draw(image, *args):
            self.strokes.append((name, *args))
            return function(image, *args)

        return draw

    def take(self):
        taken, self.strokes = self.strokes, []
        return taken


@pytest.fixture
def pencil(monkeypatch):
    made = Pencil()
    monkeypatch.setattr(background, 'cv2', made)
    return made


def drawn(kind, seeds):
    return [getattr(background, f'_{kind}')(np.random.default_rng(seed), WIDTH, HEIGHT) for seed in seeds]


@pytest.mark.parametrize('size', [(97, 61), (64, 64), (40, 300)])
def test_every_kind_fills_pictures_of_any_size(size):
    for kind in ('field', 'street', 'room', 'clutter'):
        for seed in range(8):
            image = getattr(background, f'_{kind}')(np.random.default_rng(seed), *size)
            assert image.shape == (size[1], size[0], 3)
            assert image.dtype == np.uint8
            assert image.std(axis=(0, 1)).max() > 2, 'not of one colour'


def test_kinds_come_by_their_shares_with_one_to_five_distractors(monkeypatch):
    kinds, strewn = Counter(), []
    for kind in ('field', 'street', 'room', 'clutter'):
        monkeypatch.setattr(background, f'_{kind}', lambda rng, width, height, kind=kind: (
            kinds.update([kind]), strewn.append(0), np.zeros((height, width, 3), np.uint8))[-1])
    monkeypatch.setattr(background, '_distractor', lambda rng, image: strewn.append(strewn.pop() + 1))
    for seed in range(600):
        background.draw_background(np.random.default_rng(seed), 8, 6)
    assert kinds['field'] / 600 == pytest.approx(0.3, abs=0.06)
    assert kinds['street'] / 600 == pytest.approx(0.27, abs=0.06)
    assert kinds['room'] / 600 == pytest.approx(0.28, abs=0.06)
    assert kinds['clutter'] / 600 == pytest.approx(0.15, abs=0.05)
    assert set(strewn) == {1, 2, 3, 4, 5}


def test_up_to_three_framed_pictures_hang_on_the_upper_wall_of_a_room(pencil):
    numbers = Counter()
    for seed in range(120):
        drawn('room', [seed])
        rectangles = [stroke for stroke in pencil.take() if stroke[0] == 'rectangle']
        inner, frames = rectangles[::2], rectangles[1::2]
        numbers[len(inner)] += 1
        assert len(inner) == len(frames)
        for (_, start, stop, _, thickness), (_, *corners, colour, line, _) in zip(inner, frames):
            assert thickness == FILLED
            assert corners == [start, stop]
            assert 1 <= line < 4
            assert min(colour) >= 0
            assert 0 <= start[0] < WIDTH
            assert 0 <= start[1] <= 0.6 * 0.8 * HEIGHT, 'of the wall, which ends at 0.8 of the height at the most'
            assert 0.08 * WIDTH - 1 <= stop[0] - start[0] <= 0.22 * WIDTH
            assert 0.1 * HEIGHT - 1 <= stop[1] - start[1] <= 0.25 * HEIGHT
    assert set(numbers) == {0, 1, 2, 3}
    assert min(numbers.values()) > 12


def test_half_of_the_rooms_have_a_wallpaper_of_three_tenths_and_half_lines_on_the_floor(monkeypatch):
    checks = np.indices((HEIGHT, WIDTH)).sum(0)[:, :, None] % 2 * np.full(3, 255.0)
    with monkeypatch.context() as patch:
        paper = SimpleNamespace(patch=lambda x, y, width, height: checks[y:y + height, x:x + width])
        patch.setattr(background, 'cloth', lambda rng, scale: paper)
        for name in ('rectangle', 'line'):
            patch.setattr(background.cv2, name, lambda *args: None)
        walls = [image[:HEIGHT // 2 - 5].astype(int) for image in drawn('room', range(120))]
    rows = np.array([abs(np.diff(wall, axis=1)).mean() for wall in walls])
    assert (np.isclose(rows, 0) | np.isclose(rows, 0.3 * 255, atol=1)).all()
    assert 0.35 < (rows > 0).mean() < 0.65
    floors = [image[-1].astype(int) for image in drawn('room', range(120))]
    assert 0.35 < np.mean([abs(floor - np.median(floor, axis=0)).max() > 0 for floor in floors]) < 0.65


def test_a_field_has_hills_up_to_four_trees_and_in_half_of_them_a_sun(pencil):
    suns, trees, hills = 0, Counter(), Counter()
    for seed in range(120):
        drawn('field', [seed])
        strokes = pencil.take()
        names = [stroke[0] for stroke in strokes]
        trunks = [stroke for stroke in strokes if stroke[0] == 'rectangle']
        suns += names[0] == 'circle'
        trees[len(trunks)] += 1
        hills[names.count('ellipse')] += 1
        assert names.count('circle') == (names[0] == 'circle') + 4 * len(trunks), 'leaves are four discs'
        for _, (left, top), (right, foot), *_ in trunks:
            assert 4 <= right - left <= 0.05 * WIDTH
            assert 0.2 * HEIGHT - 1 <= foot - top <= 0.5 * HEIGHT
            assert 0.5 * HEIGHT - 1 <= foot <= 0.95 * HEIGHT, 'it stands on the meadow'
        for _, centre, axes, *arc in (stroke for stroke in strokes if stroke[0] == 'ellipse'):
            assert arc[:3] == [0, 180, 360], 'the upper half'
            assert 0.25 * WIDTH - 1 <= axes[0] <= 0.5 * WIDTH
            assert 0 <= centre[0] < WIDTH
    assert 0.35 < suns / 120 < 0.65
    assert set(trees) == {0, 1, 2, 3, 4}
    assert set(hills) == {1, 2, 3}


def test_houses_line_a_street_and_windows_lie_in_their_house(pencil):
    for seed in range(40):
        drawn('street', [seed])
        *boxes, kerb = pencil.take()
        assert kerb[0] == 'line'
        assert kerb[1][1] == kerb[2][1]
        assert (kerb[1][0], kerb[2][0]) == (0, WIDTH)
        corners = np.array([[*start, *stop] for _, start, stop, *_ in boxes])
        bottom = corners[:, 3].max()
        houses = corners[corners[:, 3] == bottom]
        assert 0.5 * HEIGHT - 1 <= bottom < kerb[1][1] < HEIGHT
        assert houses[0, 0] <= 0
        assert houses[-1, 2] >= WIDTH * 0.9
        assert (np.diff(houses[:, 0]) > 0.1 * WIDTH).all()
        assert (houses[1:, 0] - houses[:-1, 2]).max() <= 0.04 * WIDTH, 'no wide gaps'
        house, windows = None, 0
        for box in corners:
            if box[3] == bottom:
                house = box
                continue
            windows += 1
            assert (box[:2] > house[:2]).all()
            assert (box[2:] <= house[2:]).all()
        assert windows


def test_clutter_is_six_to_fifteen_polygons(pencil):
    numbers = set()
    for seed in range(120):
        drawn('clutter', [seed])
        strokes = pencil.take()
        assert {stroke[0] for stroke in strokes} == {'fillConvexPoly'}
        assert all(1 <= len(stroke[1]) <= 5 for stroke in strokes)
        numbers.add(len(strokes))
    assert numbers == set(range(6, 16))


def test_distractors_are_poles_balls_limbs_and_boxes_of_cloth(pencil):
    kinds = Counter()
    for seed in range(200):
        image = np.full((HEIGHT, WIDTH, 3), 7, np.uint8)
        background._distractor(np.random.default_rng(seed), image)
        strokes = pencil.take()
        names = tuple(stroke[0] for stroke in strokes)
        kinds[names] += 1
        if names == ('rectangle',):
            (left, top), (right, bottom) = strokes[0][1:3]
            assert 0.15 * HEIGHT - 1 <= bottom - top <= 0.6 * HEIGHT
            assert right - left <= 0.025 * HEIGHT, 'slender'
        if names == ('circle', 'circle'):
            assert strokes[0][1:3] == strokes[1][1:3]
            assert 4 <= strokes[0][2] <= 0.1 * HEIGHT
        if names == ('line',):
            assert 2 <= strokes[0][4] <= 0.05 * HEIGHT
        if not names:
            rows, columns = np.nonzero((image != 7).any(axis=2))
            assert np.ptp(rows) <= 0.2 * HEIGHT + 4
            assert np.ptp(columns) <= 0.3 * HEIGHT + 4
    assert set(kinds) == {('rectangle',), ('circle', 'circle'), ('line',), ()}
    assert min(kinds.values()) > 25

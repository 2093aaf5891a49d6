"""Scenes: labels agree with each other and with the picture, every class occurs, people hide each other."""
from collections import Counter

import numpy as np
import pytest

from mmqanet.errors import InputError
from mmqanet.preparation.toy import draw_scene, scene, writer
from mmqanet.preparation.toy.canvas import Canvas
from mmqanet.preparation.toy.scene import expose

SIZE = 160, 120


@pytest.fixture(scope='module')
def scenes():
    return [draw_scene(np.random.default_rng([1, i]), size=SIZE) for i in range(130)]


def test_arrays(scenes):
    for drawn in scenes:
        assert drawn.image.shape == (120, 160, 3)
        assert drawn.image.dtype == drawn.category.dtype == drawn.human.dtype == drawn.instance.dtype == np.uint8
        assert drawn.category.shape == drawn.human.shape == drawn.instance.shape == (120, 160)


def test_maps_agree(scenes):
    for drawn in scenes:
        np.testing.assert_array_equal(drawn.category > 0, drawn.human > 0)
        people = drawn.human > 0
        np.testing.assert_array_equal(
            drawn.instance[people], 20 * (drawn.human[people].astype(int) - 1) + drawn.category[people])
        assert not drawn.instance[~people].any()
        assert [person.parsing_id for person in drawn.people] == list(range(1, len(drawn.people) + 1))
        assert sorted(set(np.unique(drawn.human)) - {0}) == list(range(1, len(drawn.people) + 1))


def test_everyone_is_in_sight(scenes):
    for drawn in scenes:
        assert np.bincount(drawn.human.ravel())[1:].min() >= 0.003 * 160 * 120


def test_every_class_is_worn_by_one_person_in_eight(scenes):
    worn = [np.unique(drawn.category[drawn.human == person.parsing_id]) for drawn in scenes for person in drawn.people]
    share = np.bincount(np.concatenate(worn), minlength=20) / len(worn)
    assert len(worn) > 300
    assert share[1:].min() > 0.12, share


def test_numbers_facings_and_sizes_vary(scenes):
    assert {len(drawn.people) for drawn in scenes} == {1, 2, 3, 4, 5, 6}
    people = [person for drawn in scenes for person in drawn.people]
    assert 0.65 < np.mean([person.front for person in people]) < 0.85
    heights = [(y1 - y0) / 120 for _, y0, _, y1 in (person.extent for person in people)]
    assert 0.4 < np.percentile(heights, 5) < 0.6
    assert np.percentile(heights, 95) > 0.8


def visible_box(drawn, person):
    rows, columns = np.nonzero(drawn.human == person.parsing_id)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def test_people_are_cut_off_and_hidden(scenes):
    cut = hidden = 0
    for drawn in scenes:
        for person in drawn.people:
            extent = np.array(person.extent)
            inside = np.clip(extent, 0, [160, 120, 160, 120])
            box = visible_box(drawn, person)
            assert (box[:2] >= inside[:2] - 1.5).all(), 'never a pixel beyond the whole figure'
            assert (box[2:] <= inside[2:] + 1.5).all()
            cut += np.abs(extent - inside).max() > 8
            hidden += np.abs(box - inside).max() > 5
    assert cut > 20
    assert hidden > 20


def test_picture_shows_the_labels(monkeypatch):
    """Without people the same stream gives the same backdrop: the picture changes where the labels are, and (but for
    shadows) there alone."""
    monkeypatch.setattr(scene, 'expose', lambda rng, image: image)
    monkeypatch.setattr(scene, '_foreground', lambda rng, width, height: [])
    monkeypatch.setattr(Canvas, 'shadow', lambda *args: None)
    drawn = [draw_scene(np.random.default_rng([2, i]), size=SIZE) for i in range(10)]
    monkeypatch.setattr(Canvas, 'paint', lambda *args: None)
    monkeypatch.setattr(scene, '_MIN_VISIBLE', 0)
    empty = [draw_scene(np.random.default_rng([2, i]), size=SIZE).image for i in range(10)]
    changed = np.array([np.abs(a.image.astype(int) - b).max(axis=2) > 12 for a, b in zip(drawn, empty)])
    labelled = np.array([a.human > 0 for a in drawn])
    assert changed[labelled].mean() > 0.93
    assert changed[~labelled].mean() < 0.06, 'smooth edges, and things to sit on'


def test_who_is_hidden_is_left_out_of_picture_and_labels(monkeypatch):
    rng = np.random.default_rng(4)
    placed = scene._place_people(rng, *SIZE, 1)
    monkeypatch.setattr(scene, '_place_people', lambda *args: placed)
    alone = draw_scene(np.random.default_rng(5), size=SIZE)
    monkeypatch.setattr(scene, '_place_people', lambda *args: placed * 2)
    doubled = draw_scene(np.random.default_rng(5), size=SIZE)
    assert len(doubled.people) == 1
    np.testing.assert_array_equal(doubled.image, alone.image)
    np.testing.assert_array_equal(doubled.human, alone.human)


def test_chance_comes_from_the_stream_alone():
    first, again, other = (draw_scene(np.random.default_rng(seed), size=(200, 150)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.instance, again.instance)
    assert first.people == again.people
    assert (first.image != other.image).mean() > 0.5


ODD_SIZES = (60, 130), (200, 90), (96, 96), (140, 180), (50, 90), (48, 48)
SUMS = (
    [1825498, 26357, 65533, 14701, 6231, 101516, 57909, 89931, 22819, 88530, 14178, 18279, 28646, 35968, 23477, 21724, 9024,
     10010, 17578, 18091], 361, [130.314, 140.771, 146.845], [54.169, 47.227, 53.82])
ODD_SUMS = (
    [140047, 3272, 5153, 960, 921, 5870, 8748, 10525, 1497, 7661, 1478, 2162, 1753, 3285, 2068, 1605, 694, 610, 1347, 1404],
    35, [120.512, 136.425, 146.849], [49.797, 41.388, 52.451])


def test_pictures_of_a_version_stay_the_same(scenes):
    """Old and new pictures do not mix in a folder, because a change that alters them raises ``VERSION``: then so do these
    sums. They are of pixels by class, of people, and of brightness by colour."""
    odd = [draw_scene(np.random.default_rng([9, i]), size=size, max_people=4) for i, size in enumerate(3 * ODD_SIZES)]
    assert writer.VERSION == 2
    for drawn, (classes, people, colours, contrasts) in ((scenes, SUMS), (odd, ODD_SUMS)):
        found = np.bincount(np.concatenate([one.category.ravel() for one in drawn]), minlength=20)
        np.testing.assert_allclose(found, classes, rtol=0.002, atol=20)
        assert sum(len(one.people) for one in drawn) == people
        pixels = np.concatenate([one.image.reshape(-1, 3) for one in drawn]).astype(float)
        np.testing.assert_allclose(pixels.mean(0), colours, atol=0.03)
        np.testing.assert_allclose(pixels.std(0), contrasts, atol=0.03)


def test_max_people_and_wide_ids():
    assert all(len(draw_scene(np.random.default_rng(i), size=SIZE, max_people=1).people) == 1 for i in range(5))
    crowds = [draw_scene(np.random.default_rng([3, i]), size=(400, 120), max_people=40) for i in range(12)]
    crowd = max(crowds, key=lambda drawn: len(drawn.people))
    assert len(crowd.people) > 13
    assert crowd.instance.dtype == np.uint16
    assert crowd.instance.max() == (20 * (crowd.human.astype(int) - 1) + crowd.category).max()


@pytest.mark.parametrize('size', [(48, 48), (500, 400), (90, 300)])
def test_sizes(size):
    drawn = draw_scene(np.random.default_rng(6), size=size)
    assert drawn.image.shape[:2] == drawn.category.shape == (size[1], size[0])
    assert drawn.people


@pytest.mark.parametrize(('name', 'value'), [
    ('size', (320, 20)), ('size', (320, 240, 3)), ('size', (320.5, 240)), ('size', (5000, 240)), ('max_people', 0),
    ('max_people', 61), ('max_people', 2.5), ('max_people', '3')])
def test_bad_arguments(name, value):
    with pytest.raises(InputError, match=name):
        draw_scene(np.random.default_rng(0), **{name: value})


def test_in_one_scene_of_six_a_post_a_bush_or_a_ball_stands_on_the_lower_border():
    width, height = 400, 200
    kinds = Counter()
    for seed in range(900):
        props = scene._foreground(np.random.default_rng(seed), width, height)
        for layer in props:
            assert layer.part == 0
            points = np.concatenate(layer.polygons)
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            wide = right - left
            kind = 'bush' if len(layer.polygons) == 5 else 'post' if len(layer.polygons[0]) == 4 else 'ball'
            kinds[kind] += 1
            assert 0 <= (left + right) / 2 <= width or kind == 'bush'
            if kind == 'post':
                assert 0.016 * height <= wide <= 0.04 * height
                assert 0.2 * height <= top <= 0.8 * height
                assert bottom == pytest.approx(height)
            if kind == 'ball':
                assert 0.1 * height - 0.2 <= wide <= 0.18 * height
                assert bottom == pytest.approx(height, abs=0.3)
                assert bottom - top == pytest.approx(wide, abs=0.3)
            if kind == 'bush':
                assert 0.24 * height < wide <= 0.56 * height
                assert 0.06 * height - 0.2 <= height - top <= 0.16 * height
                assert layer.material.colour.argmax() == 1, 'green'
        kinds['none'] += not props
    assert kinds['none'] / 900 == pytest.approx(0.84, abs=0.04)
    assert min(kinds[kind] for kind in ('post', 'bush', 'ball')) > 30


def test_the_dark_stays_dark_and_the_bright_bright():
    """Noise leaves the range of 8 bits at both ends."""
    for seed in range(12):
        dark, bright = (expose(np.random.default_rng(seed), np.full((30, 40, 3), value, np.uint8)) for value in (0, 255))
        assert dark.max() < 50
        assert bright.min() > 120

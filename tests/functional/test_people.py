"""People as crops: where they lie, what they cover, and their IoUs with annotated people."""
import numpy as np
import pytest
import slow_evaluator
from scenes import cut, random_scenes

from mmqanet.errors import InputError
from mmqanet.functional.overlaps import mean_present
from mmqanet.functional.people import CroppedPeople, people_class_ious


@pytest.fixture(params=range(4))
def scene(request):
    return random_scenes(4, first_seed=12)[request.param]


def test_a_full_map_is_the_crop_in_its_window(scene):
    people = CroppedPeople(*cut(scene.people), scene.category.shape)
    assert len(people) == len(scene.people)
    for index, whole in enumerate(scene.people):
        assert (people.full(index) == whole).all()
        assert (whole[people.window(index)] == people.label_maps[index]).all()
    assert people.stops.tolist() == [[rows.stop, columns.stop] for rows, columns in map(people.window, range(len(people)))]


def test_common_windows_and_masks_are_those_of_whole_maps():
    compared = 0
    for scene in random_scenes(12):
        people = CroppedPeople(*cut(scene.people), scene.category.shape)
        for a in range(len(people)):
            for b in range(len(people)):
                one, other = people.common_windows(a, b)
                assert one.shape == other.shape
                both = (scene.people[a] > 0) & (scene.people[b] > 0)
                assert ((one > 0) & (other > 0)).sum() == both.sum()
                assert (one == other)[one > 0].sum() == (scene.people[a] == scene.people[b])[both].sum()
                assert (people.mask_in(b, people.window(a)) == (scene.people[b][people.window(a)] > 0)).all()
                compared += 1
    assert compared > 50


def test_some_of_the_people(scene):
    people = CroppedPeople(*cut(scene.people), scene.category.shape)
    some = people.take(np.arange(len(people))[::-1])
    assert [some.full(i).tolist() for i in range(len(some))] == [whole.tolist() for whole in scene.people[::-1]]
    assert len(people.take([])) == len(CroppedPeople.nobody((3, 4))) == 0


def test_extents_are_those_of_the_whole_map():
    person = np.zeros((1, 9, 9), dtype=np.uint8)
    person[0, 3:6, 2:8] = 1
    for people in (CroppedPeople(*cut(person), (9, 9)), CroppedPeople.whole(person, (9, 9))):
        assert people.extents(np.array([0])).tolist() == [[3, 2, 6, 8]]


@pytest.mark.parametrize(('label_map', 'offsets', 'message'), [
    (np.ones((3, 3), np.uint8), [[0, 0], [2, 0]], r'label_maps\[1\], 3 x 3 at \(2, 0\), leaves the image of 4 x 4'),
    (np.ones((3, 3), np.uint8), [[0, -1], [0, 0]], r'label_maps\[0\].* leaves'),
    (np.ones((3, 3)), [[0, 0], [0, 0]], r'label_maps\[0\] must be \(h, w\) uint8'),
    (np.ones((3, 3), np.uint8), [[0, 0]], 'offsets has 1 rows for 2 label_maps')])
def test_crops_that_cannot_be_are_named(label_map, offsets, message):
    with pytest.raises(InputError, match=message):
        CroppedPeople([label_map] * 2, np.array(offsets), (4, 4))


def test_class_areas_count_what_lies_outside_a_crop_as_background():
    areas = CroppedPeople([np.array([[1, 1], [0, 2]], dtype=np.uint8)], np.array([[3, 4]]), (10, 10)).areas(4)
    assert areas.tolist() == [[97, 2, 1, 0]]


def test_an_empty_crop_overlaps_background_alone():
    category = np.array([[1, 1, 0, 0]], dtype=np.uint8)
    people = CroppedPeople([np.zeros((0, 3), np.uint8)], np.zeros((1, 2), int), (1, 4))
    ious, _ = people_class_ious(people, category, category, np.array([1]), 3)
    assert ious[0, 0] == pytest.approx([2 / 4, 0, np.nan], nan_ok=True)


def test_people_class_ious_against_masks():
    compared = ignored = 0
    for scene in random_scenes(80):
        people = CroppedPeople(*cut(scene.people), scene.category.shape)
        ids = np.array([i for i in np.unique(scene.human) if i], dtype=int)
        ious, areas = people_class_ious(people, scene.category, scene.human, ids, 5)
        assert ious.shape == (len(scene.people), len(ids), 5)
        for g, person in enumerate(ids):
            label = scene.category * (scene.human == person)
            valid = label < 5
            ignored += (~valid).any()
            assert areas[g].tolist() == [(label == c).sum() for c in range(5)]
            for n, pred in enumerate(scene.people):
                for c in range(5):
                    a, b = (label == c) & valid, (pred == c) & valid
                    expected = slow_evaluator.mask_iou(a, b) if (a | b).any() else np.nan
                    assert ious[n, g, c] == pytest.approx(expected, abs=1e-12, nan_ok=True)
                    compared += 1
                assert mean_present(ious[n, g]) == pytest.approx(slow_evaluator.mean_iou(label, pred, 5))
    assert compared > 500
    assert ignored > 5

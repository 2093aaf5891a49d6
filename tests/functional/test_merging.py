import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest
import slow_evaluator
from scenes import cut, random_scenes

from mmqanet.errors import InputError
from mmqanet.functional.merging import map_extents, merge_people, parsing_nms


def merge(scene, label_maps, offsets, **options):
    return merge_people(
        label_maps=label_maps, offsets=offsets, image_shape=scene.category.shape, bbox_scores=scene.bbox_scores,
        qualities=scene.qualities, part_qualities=scene.part_qualities, **options)


def test_agrees_with_whole_maps_painted_one_by_one():
    suppressed = hidden = 0
    for scene in random_scenes(150, ties=True) + random_scenes(150, first_seed=500):
        merged = merge(scene, *cut(scene.people))
        global_map, human_map, part_map, kept, parts = slow_evaluator.merge(scene)
        assert (merged.global_map == global_map).all()
        assert (merged.human_map == human_map).all()
        assert (merged.part_map == part_map).all()
        assert merged.kept.tolist() == kept
        assert list(zip(merged.part_people, merged.part_labels, merged.part_scores)) == parts
        assert sorted(merged.people) == [i - 1 for i in np.unique(human_map) if i]
        assert (np.diff(scene.qualities[merged.people]) >= 0).all()
        suppressed += len(scene.people) - len(kept)
        hidden += (scene.qualities[kept] >= 0.01).sum() - len(merged.people)
    assert suppressed > 20
    assert hidden > 5


def test_crops_and_whole_maps_agree():
    for scene in random_scenes(30, first_seed=900):
        whole = merge(scene, list(scene.people), np.zeros((len(scene.people), 2), dtype=int))
        crops = merge(scene, *cut(scene.people))
        for name, value in asdict(whole).items():
            assert np.array_equal(value, getattr(crops, name)), name


def nms(people, scores, threshold):
    return parsing_nms(label_maps=list(people), offsets=np.zeros((len(people), 2), int), image_shape=(2, 5),
                       scores=np.array(scores), num_classes=2, threshold=threshold).tolist()


def test_parsing_nms_is_greedy_and_suppresses_at_the_threshold():
    people = np.zeros((3, 2, 5), dtype=np.uint8)
    people[0, 0, :4] = people[1, 0, :2] = people[2, 0, 3:] = 1
    # person 0 with 1: class 1 2/4, background 6/8; mean 0.625
    assert nms(people, [0.9, 0.8, 0.7], 0.625) == [0, 2]
    assert nms(people, [0.9, 0.8, 0.7], 0.626) == [0, 1, 2]
    assert nms(people, [0.7, 0.8, 0.9], 0.625) == [2, 1]
    # equal scores: the lower index ranks first
    assert nms(people[[1, 0]], [0.5, 0.5], 0.625) == [0]


def test_empty_maps_suppress_each_other():
    assert nms(np.zeros((2, 2, 5), dtype=np.uint8), [0.1, 0.2], 0.6) == [1]


def test_nobody_gives_empty_maps():
    merged = merge_people(label_maps=[], offsets=np.zeros((0, 2)), image_shape=(4, 6), bbox_scores=np.zeros(0),
                          qualities=np.zeros(0), part_qualities=np.zeros((0, 3)))
    assert merged.global_map.shape == merged.human_map.shape == merged.part_map.shape == (4, 6)
    assert not merged.part_map.any()
    assert len(merged.kept) == len(merged.people) == len(merged.part_labels) == 0


def test_somebody_outside_the_image_has_an_empty_crop():
    for shape in ((0, 0), (0, 3), (3, 0)):
        merged = merge_people(
            label_maps=[np.zeros(shape, np.uint8), np.ones((2, 2), np.uint8)], offsets=np.zeros((2, 2), int),
            image_shape=(4, 6), bbox_scores=np.ones(2), qualities=np.array([0.9, 0.8]), part_qualities=np.ones((2, 1)))
        assert merged.kept.tolist() == [0, 1]
        assert merged.people.tolist() == [1]


def test_extents_are_those_of_the_whole_map():
    person = np.zeros((1, 9, 9), dtype=np.uint8)
    person[0, 3:6, 2:8] = 1
    label_maps, offsets = cut(person)
    assert map_extents(label_maps, offsets, np.array([0])).tolist() == [[3, 2, 6, 8]]


def test_many_people_cost_what_they_cover():
    rng = np.random.default_rng(0)
    label_maps = [rng.integers(0, 20, (40, 30)).astype(np.uint8) for _ in range(300)]
    offsets = rng.integers(0, 960, (300, 2))
    tracemalloc.start()
    merged = merge_people(label_maps=label_maps, offsets=offsets, image_shape=(1000, 1000), bbox_scores=rng.random(300),
                          qualities=rng.random(300), part_qualities=rng.random((300, 19)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(merged.people) > 200
    assert peak < 60e6  # one byte a person and pixel would be 300 MB


@pytest.mark.parametrize(('change', 'message'), [
    (dict(qualities=np.zeros(1)), 'qualities has 1 rows for 2 label_maps'),
    (dict(qualities=np.array([0.5, np.nan])), 'qualities must be finite'),
    (dict(bbox_scores=np.array([0.5, np.inf])), 'bbox_scores must be finite'),
    (dict(part_qualities=np.zeros(2)), r'part_qualities must be \(N, C-1\)'),
    (dict(offsets=np.array([[0, 0], [2, 0]])), r'label_maps\[1\], 3 x 3 at \(2, 0\), leaves the image of 4 x 4'),
    (dict(offsets=np.array([[0, -1], [0, 0]])), r'label_maps\[0\].* leaves'),
    (dict(label_maps=[np.zeros((3, 3))] * 2), r'label_maps\[0\] must be \(h, w\) uint8'),
    (dict(label_maps=[np.full((3, 3), 3, np.uint8)] * 2), r'label_maps\[0\] holds class 3, outside \[0, 3\)'),
])
def test_bad_people_are_named(change, message):
    people = dict(label_maps=[np.ones((3, 3), np.uint8)] * 2, offsets=np.zeros((2, 2), int), bbox_scores=np.ones(2),
                  qualities=np.ones(2), part_qualities=np.ones((2, 2)))
    merge_people(image_shape=(4, 4), **people)
    with pytest.raises(InputError, match=message):
        merge_people(image_shape=(4, 4), **{**people, **change})

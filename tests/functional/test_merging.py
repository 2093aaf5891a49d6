import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest
import slow_evaluator
from scenes import cut, random_scenes

from mmqanet.errors import InputError
from mmqanet.functional.merging import MergingRules, merge_people, parsing_nms
from mmqanet.functional.people import CroppedPeople


def merge_crops(scene):
    people = CroppedPeople(*cut(scene.people), scene.category.shape)
    return merge_people(people, bbox_scores=scene.bbox_scores, qualities=scene.qualities,
                        part_qualities=scene.part_qualities)


def test_agrees_with_whole_maps_painted_one_by_one():
    suppressed = hidden = 0
    for scene in random_scenes(150, ties=True) + random_scenes(150, first_seed=500):
        merged, survivors = merge_crops(scene)
        global_map, human_map, part_map, kept, parts = slow_evaluator.merge(scene)
        assert (merged.category == global_map).all()
        assert (merged.human == human_map).all()
        assert (merged.part == part_map).all()
        assert survivors.tolist() == kept
        assert list(zip(merged.part_people, merged.part_labels, merged.part_scores)) == parts
        assert (merged.person_scores == scene.qualities).all()
        assert (np.diff(scene.qualities[merged.part_people]) >= 0).all()
        suppressed += len(scene.people) - len(kept)
        hidden += (scene.qualities[kept] >= 0.01).sum() - len(np.unique(merged.part_people))
    assert suppressed > 20
    assert hidden > 5


def test_crops_and_whole_maps_agree():
    for scene in random_scenes(30, first_seed=900):
        whole, kept = scene.merged()
        crops, kept_crops = merge_crops(scene)
        assert kept.tolist() == kept_crops.tolist()
        for name, value in asdict(whole).items():
            assert np.array_equal(value, getattr(crops, name)), name


def test_the_class_map_is_painted_by_box_score_or_by_quality_over_a_backdrop():
    people = np.zeros((3, 2, 6), dtype=np.uint8)
    people[0, :, :3], people[1, :, 2:4], people[2, 0, 3:5] = 1, 2, 3
    backdrop = np.full((2, 6), 4, dtype=np.uint8)

    def category(**rules):
        return merge_people(
            CroppedPeople.whole(people, (2, 6)), bbox_scores=np.array([0.9, 0.5, 0.2]), qualities=np.array([0.4, 0.6, 0.5]),
            part_qualities=np.ones((3, 4)), rules=MergingRules(**rules), backdrop=backdrop)[0].category.tolist()

    assert category() == [[1, 1, 1, 2, 4, 4], [1, 1, 1, 2, 4, 4]]
    assert category(category_quality_thr=0.5) == [[4, 4, 2, 2, 3, 4], [4, 4, 2, 2, 4, 4]]
    assert category(category_quality_thr=0.41, bbox_score_thr=1.0) == category(category_quality_thr=0.5)


def nms(people, scores, threshold):
    return parsing_nms(CroppedPeople.whole(people, (2, 5)), scores=np.array(scores), num_classes=2,
                       threshold=threshold).tolist()


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
    merged, kept = merge_people(CroppedPeople.nobody((4, 6)), bbox_scores=np.zeros(0), qualities=np.zeros(0),
                                part_qualities=np.zeros((0, 3)))
    assert merged.category.shape == merged.human.shape == merged.part.shape == (4, 6)
    assert not merged.part.any()
    assert len(kept) == len(merged.part_people) == len(merged.part_labels) == 0


def test_somebody_outside_the_image_has_an_empty_crop():
    for shape in ((0, 0), (0, 3), (3, 0)):
        people = CroppedPeople([np.zeros(shape, np.uint8), np.ones((2, 2), np.uint8)], np.zeros((2, 2), int), (4, 6))
        merged, kept = merge_people(people, bbox_scores=np.ones(2), qualities=np.array([0.9, 0.8]),
                                    part_qualities=np.ones((2, 1)))
        assert kept.tolist() == [0, 1]
        assert merged.part_people.tolist() == [1]


def test_many_people_cost_what_they_cover():
    rng = np.random.default_rng(0)
    label_maps = [rng.integers(0, 20, (40, 30)).astype(np.uint8) for _ in range(300)]
    offsets = rng.integers(0, 960, (300, 2))
    tracemalloc.start()
    merged, _ = merge_people(CroppedPeople(label_maps, offsets, (1000, 1000)), bbox_scores=rng.random(300),
                             qualities=rng.random(300), part_qualities=rng.random((300, 19)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(np.unique(merged.part_people)) > 200
    assert peak < 60e6  # one byte a person and pixel would be 300 MB


@pytest.mark.parametrize(('change', 'message'), [
    (dict(qualities=np.zeros(1)), 'qualities has 1 rows for 2 label_maps'),
    (dict(qualities=np.array([0.5, np.nan])), 'qualities must be finite'),
    (dict(bbox_scores=np.array([0.5, np.inf])), 'bbox_scores must be finite'),
    (dict(part_qualities=np.zeros(2)), r'part_qualities must be \(N, C-1\)'),
    (dict(people=CroppedPeople.whole(np.full((2, 4, 4), 3, np.uint8), (4, 4))),
     r'label_maps\[0\] holds class 3, outside \[0, 3\)'),
])
def test_bad_people_are_named(change, message):
    people = dict(people=CroppedPeople.whole(np.ones((2, 4, 4), np.uint8), (4, 4)), bbox_scores=np.ones(2),
                  qualities=np.ones(2), part_qualities=np.ones((2, 2)))
    merge_people(**people)
    with pytest.raises(InputError, match=message):
        merge_people(**{**people, **change})


@pytest.mark.parametrize(('rules', 'score', 'painted'), [
    (dict(), 0.3, {1}), (dict(), 0.29999, {0}), (dict(bbox_score_thr=0.75), 0.75, {1}),
    (dict(bbox_score_thr=0.75), 0.74, {0})])
def test_whose_box_score_reaches_the_threshold_enters_the_class_map(rules, score, painted):
    merged, _ = merge_people(CroppedPeople.whole(np.ones((1, 2, 5), np.uint8), (2, 5)), bbox_scores=np.array([score]),
                             qualities=np.ones(1), part_qualities=np.ones((1, 1)), rules=MergingRules(**rules))
    assert set(merged.category.ravel()) == painted
    assert (merged.human == 1).all()


@pytest.mark.parametrize(('rules', 'quality', 'painted'), [
    (dict(), 0.01, 1), (dict(), 0.00999, 0), (dict(instance_score_thr=0.5), 0.5, 1),
    (dict(instance_score_thr=0.5), 0.49, 0)])
def test_whose_quality_reaches_the_threshold_enters_the_other_maps(rules, quality, painted):
    merged, kept = merge_people(CroppedPeople.whole(np.ones((1, 2, 5), np.uint8), (2, 5)), bbox_scores=np.ones(1),
                                qualities=np.array([quality]), part_qualities=np.ones((1, 1)), rules=MergingRules(**rules))
    assert (merged.human == painted).all()
    assert (merged.part == painted).all()
    assert (merged.category == 1).all()
    assert kept.tolist() == [0]

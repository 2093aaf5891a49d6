"""True IoUs against a loop over whole-image maps; that outcomes are shared among equal orders."""
from dataclasses import replace

import numpy as np
import pytest
from predicted_sets import CLASSES

from mmqanet.analysis.ablation import truth_of
from mmqanet.analysis.orderings import _neighbours, image_outcomes
from mmqanet.errors import InputError
from mmqanet.functional.merging import MergingRules
from mmqanet.functional.people import CroppedPeople


def outcomes(predicted, index: int, qualities):
    info = predicted.infos[index]
    people, parsing_ids = predicted.cache.people(info['name'])
    truth = truth_of(info, shape=people.image_shape, classes=CLASSES)
    return people, parsing_ids, truth, image_outcomes(
        name=info['name'], people=people, parsing_ids=parsing_ids, bbox_scores=np.ones(len(people)), truth=truth,
        qualities=np.asarray(qualities), num_classes=len(CLASSES), rules=MergingRules())


def slow_ious(people, index: int, truth, person: int) -> list[float]:
    """Per-class IoU of one predicted with one annotated person, NaN for a class in neither."""
    pred = people.full(index)
    gt = np.where(truth.human == person, truth.category, 0)
    known = gt != 255
    ious = []
    for label in range(len(CLASSES)):
        one, other = (pred == label) & known, (gt == label) & known
        ious.append((one & other).sum() / (one | other).sum() if (one | other).any() else np.nan)
    return ious


def test_the_truth_is_that_of_the_own_person_or_of_the_best(predicted):
    own = best = unknown = nobody = 0
    for index in range(len(predicted.infos)):
        number = len(predicted.samples[index].pred_instances.label_maps)
        people, parsing_ids, truth, found = outcomes(predicted, index, np.ones((1, number)))
        ids = [i for i in np.unique(truth.human) if i]
        for person in range(number):
            shown = [(people.label_maps[person] == label).any() for label in range(1, len(CLASSES))]
            wanted = parsing_ids[person]
            if not ids:
                nobody += 1
                assert found.true_ious[person] == 0
                assert np.array_equal(found.true_part_ious[person], np.where(shown, 0.0, np.nan), equal_nan=True)
                continue
            if wanted and wanted not in ids:
                unknown += 1
                assert np.isnan(found.true_ious[person])
                assert np.isnan(found.true_part_ious[person]).all()
                continue
            ious = {i: slow_ious(people, person, truth, i) for i in ids}
            partner = wanted or max(ids, key=lambda i: np.nanmean(ious[i]))
            own, best = own + bool(wanted), best + (not wanted)
            np.testing.assert_allclose(found.true_ious[person], np.nanmean(ious[partner]))
            np.testing.assert_allclose(
                found.true_part_ious[person], np.where(shown, ious[partner][1:], np.nan), equal_nan=True)
    assert min(own, best, unknown, nobody) > 0


def test_equal_orders_share_an_outcome(predicted):
    index = next(i for i, sample in enumerate(predicted.samples) if len(sample.pred_instances.label_maps) == 3)
    qualities = [[.5, .7, .9], [.1, .2, .3], [.9, .7, .5], [.5, .5, .9], [.5, .7, .001], [.4, .4, .8]]
    assert outcomes(predicted, index, qualities)[3].which.tolist() == [0, 0, 1, 2, 3, 2]


@pytest.mark.parametrize('lacking', ['human', 'part', 'parts'])
def test_every_map_of_the_truth_is_needed(predicted, lacking):
    info = predicted.infos[0]
    people, parsing_ids = predicted.cache.people(info['name'])
    truth = replace(truth_of(info, shape=people.image_shape, classes=CLASSES), **{lacking: None})
    scores = np.ones(len(people))
    with pytest.raises(InputError, match=f"truth of {info['name']} lacks the human or the part map"):
        image_outcomes(name=info['name'], people=people, parsing_ids=parsing_ids, bbox_scores=scores, truth=truth,
                       qualities=scores[None], num_classes=len(CLASSES), rules=MergingRules())


def test_neighbours_share_a_labelled_pixel_of_whatever_class():
    rng = np.random.default_rng(0)
    shared = 0
    for _ in range(40):
        shapes, corners = rng.integers(1, 6, (5, 2)), rng.integers(0, 7, (5, 2))
        maps = [(rng.random(shape) < 0.4).astype(np.uint8) * rng.integers(1, 3, dtype=np.uint8) for shape in shapes]
        people = CroppedPeople(maps, corners, (12, 12))
        whole = [people.full(person) > 0 for person in range(5)]
        expected = [[other for other in range(5) if other != person and (whole[person] & whole[other]).any()]
                    for person in range(5)]
        assert [sorted(others) for others in _neighbours(people)] == expected
        shared += sum(map(len, expected))
    assert shared > 20

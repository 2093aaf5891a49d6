"""Average precision against a plain matching loop written from COCO's rules; each odd rule on a scene of its own."""
import numpy as np
import pytest

from mmqanet.evaluation.dense_pose import ImageRecord, Mode, average_precision, match_image
from mmqanet.evaluation.dense_pose.matching import AREAS, THRESHOLDS


def record(similarity, *, scores=None, ignored=(), boxes=None, areas=None, people_areas=None, crowds=None, image=1):
    """An image in which GPS and mask IoU are both ``similarity`` (D, G)."""
    similarity = np.asarray(similarity, dtype=float)
    count, people = similarity.shape
    scores = np.linspace(0.9, 0.1, count) if scores is None else np.asarray(scores, dtype=float)
    return ImageRecord(
        image=image, ids=np.arange(count), scores=scores.reshape(count, -1 if count else 1),
        areas=np.full(count, 2000.0) if areas is None else np.asarray(areas, dtype=float), gps=similarity,
        mask_ious=similarity, box_ious=np.zeros(similarity.shape) if boxes is None else np.asarray(boxes, dtype=float),
        people=np.arange(people) + 100, ignored=np.isin(np.arange(people), ignored),
        people_areas=np.full(people, 2000.0) if people_areas is None else np.asarray(people_areas, dtype=float),
        crowds=np.zeros(people, bool) if crowds is None else np.asarray(crowds))


def matches_by_loop(image, area):
    """(matches, ignored) at each threshold as nested lists, by COCO's loop over people, regular ones first."""
    out_of_area = (image.people_areas < area[0]) | (image.people_areas > area[1])
    skip = image.ignored | out_of_area
    people = [g for g in range(len(skip)) if not skip[g]] + [g for g in range(len(skip)) if skip[g]]
    order = sorted(range(len(image.areas)), key=lambda d: -image.scores[d, 0])[:20]
    found, left = [], [[bool(skip.all())] * len(order) for _ in THRESHOLDS]
    for t, threshold in enumerate(THRESHOLDS):
        taken: dict = {}
        row = []
        for d, detection in enumerate(order):
            best, value = None, threshold
            for person in people:
                if person in taken and not image.crowds[person]:
                    continue
                if best is not None and not skip[best] and skip[person]:
                    break
                if image.gps[detection, person] >= value:
                    best, value = person, image.gps[detection, person]
            if best is not None:
                taken[best] = detection
                left[t][d] = bool(skip[best])
            row.append(best)
        found.append(row)
    taken_last = set(found[-1]) - {None}
    for d, detection in enumerate(order):
        if found[-1][d] is not None:
            continue
        best, value = None, 0.8
        for person in people:
            if (person not in taken_last or image.crowds[person]) and image.box_ious[detection, person] >= value:
                best, value = person, image.box_ious[detection, person]
        if best is not None:
            for t in range(len(left)):
                left[t][d] = bool(skip[best])
            if skip[best]:
                found[-1][d] = best
                taken_last.add(best)
    for t in range(len(left)):
        for d, detection in enumerate(order):
            outside = not area[0] <= image.areas[detection] <= area[1]
            left[t][d] = left[t][d] or (found[t][d] is None and outside)
    return [[-1 if one is None else one for one in row] for row in found], left


def random_record(seed):
    rng = np.random.default_rng(seed)
    count, people = rng.integers(0, 26), rng.integers(0, 6)
    similarity = rng.choice([0, 0.5, 0.6, 0.7, 0.81, 0.9, 0.96, 1], (count, people))
    return record(
        similarity, scores=rng.choice(np.linspace(0.1, 1, 9), count), boxes=rng.choice([0, 0.5, 0.8, 0.9], (count, people)),
        ignored=np.flatnonzero(rng.random(people) < 0.4), areas=rng.choice([500, 1024, 5000, 9216, 20000], count),
        people_areas=rng.choice([500, 1024, 5000, 9216, 20000], people), crowds=rng.random(people) < 0.3, image=seed)


@pytest.mark.parametrize('area', AREAS)
def test_matches_are_those_of_the_loop(area):
    for seed in range(120):
        image = random_record(seed)
        ours = match_image(image, mode=Mode.GPS, area=area)
        found, left = matches_by_loop(image, area)
        assert ours.matches.tolist() == found, seed
        assert ours.ignored.tolist() == left, seed


def test_average_precision_by_hand():
    # Right, wrong, right: precision 1 up to recall 1/2, then 2/3.
    images = [record([[1, 0], [0, 0], [0, 1]], scores=[0.9, 0.8, 0.7])]
    values = average_precision(images, mode=Mode.GPSM).values()
    assert [values['AP'], values['AP50']] == pytest.approx([(51 + 50 * 2 / 3) / 101] * 2)
    assert values['AR'] == 1
    assert values['APl'] == values['ARl'] == -1  # nobody large
    assert values['APm'] == pytest.approx(values['AP'])


def test_nothing_found_is_0_and_nobody_to_find_is_minus_1():
    assert average_precision([record(np.empty((0, 2)))], mode=Mode.GPS).values()['AP'] == 0
    assert average_precision([record(np.empty((3, 0)))], mode=Mode.GPS).values()['AP'] == -1
    assert average_precision([], mode=Mode.GPS).values()['AR'] == -1


def test_an_image_of_people_to_ignore_alone_ignores_what_is_far_away_too():
    ours = match_image(record([[0.0], [0.7]], ignored=[0]), mode=Mode.GPS)
    assert ours.ignored.all()
    assert ours.num_people == 0


def test_a_detection_on_a_person_to_ignore_counts_at_no_threshold():
    boxes = [[0.0, 0.85], [0.0, 0.79]]
    ours = match_image(record([[0.6, 0], [0, 0]], ignored=[1], boxes=boxes), mode=Mode.GPS)
    assert ours.ignored[:, 0].all()  # though it was a match up to 0.6
    assert not ours.ignored[:, 1].any()


def test_twenty_detections_count():
    image = record(np.eye(25), scores=np.linspace(1, 0.5, 25))
    assert match_image(image, mode=Mode.GPS).matches.shape == (10, 20)
    assert average_precision([image], mode=Mode.GPS).values()['AR'] == pytest.approx(20 / 25)


def test_a_ranking_is_a_column_of_scores():
    image = record([[1.0], [0.0]], scores=[[0.9, 0.1], [0.5, 0.8]])
    first, second = (average_precision([image], mode=Mode.GPS, ranking=column).values()['AP'] for column in (0, 1))
    assert (first, second) == (pytest.approx(1), pytest.approx(0.5))


def test_gpsm_is_the_root_of_the_product():
    image = record([[0.64]])
    image = ImageRecord(**{**image.__dict__, 'mask_ious': np.array([[1.0]])})
    assert image.similarity(Mode.GPSM).tolist() == [[0.8]]
    assert image.similarity(Mode.IOU).tolist() == [[1]]

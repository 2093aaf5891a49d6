"""Similarities of detections and people against plain loops over points and pixels."""
import numpy as np
import pytest
from dense_bodies import body_tables, small_body
from test_body import nearest_by_loop

from mmqanet.errors import DataError
from mmqanet.evaluation.dense_pose import (
    DetectedPerson,
    Evaluator,
    box_ious,
    mask_ious,
    point_similarity,
    read_people,
)
from mmqanet.evaluation.dense_pose.similarity import read_mask
from mmqanet.functional.rle import encode_rle

KAPPA = {1: .351, 2: .351, 3: .107, 4: .107, 5: .126, 6: .126, 7: .237, 8: .237, 9: .237, 10: .237, 11: .173, 12: .173,
         13: .173, 14: .173, 15: .142, 16: .142, 17: .142, 18: .142, 19: .128, 20: .128, 21: .128, 22: .128, 23: .15,
         24: .15}
SHAPE = (60, 80)


def annotation(seed=0, *, box=(10.3, 5.6, 30.2, 40.7), count=25):
    rng = np.random.default_rng(seed)
    masks: list = [[] for _ in range(14)]
    inside = np.zeros((256, 256), bool)
    inside[30:220, 60:200] = True
    masks[0] = encode_rle(inside)
    return dict(
        id=7, image_id=1, bbox=list(box), area=800.0, iscrowd=0, dp_masks=masks,
        dp_x=rng.uniform(0, 255, count).tolist(), dp_y=rng.uniform(0, 255, count).tolist(),
        dp_I=rng.integers(1, 25, count).tolist(), dp_U=rng.uniform(0, 1, count).tolist(),
        dp_V=rng.uniform(0, 1, count).tolist())


def detection(seed=0, *, box=(8, 7, 30, 36), score=0.9):
    rng = np.random.default_rng(seed)
    iuv = rng.integers(0, 256, (3, int(box[3]), int(box[2]))).astype(np.uint8)
    iuv[0] %= 25
    return DetectedPerson(tuple(box), score, iuv)


def read(given, evaluator=Evaluator.DETECTRON2):
    return read_people([given], body=small_body(), image_shape=SHAPE, evaluator=evaluator)[0]


def similarity_by_loop(given, found):
    charts, uv, vertex, square = body_tables()
    total = 0.0
    for x, y, chart, u, v in zip(*(given[key] for key in ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V'))):
        column = int(x * given['bbox'][2] / 255 + given['bbox'][0] - found.box[0])
        row = int(y * given['bbox'][3] / 255 + given['bbox'][1] - found.box[1])
        if not (0 <= column < int(found.box[2]) and 0 <= row < int(found.box[3])):
            continue
        i, cu, cv = (int(value) for value in found.iuv[:, row, column])
        nearest = nearest_by_loop(charts, uv, i, cu / 255, cv / 255)
        if nearest >= 0:
            wanted = nearest_by_loop(charts, uv, chart, u, v)
            distance = float(square[vertex[wanted], vertex[nearest]])
            total += np.exp(-distance ** 2 / (2 * KAPPA[chart] ** 2))
    return total / len(given['dp_x'])


@pytest.mark.parametrize('seed', range(4))
def test_point_similarity_is_the_mean_over_the_points(seed):
    given, found = annotation(seed), [detection(seed), detection(seed + 9, box=(20.7, 11.2, 25.5, 30.5))]
    ours = point_similarity(found, [read(given)], body=small_body())[:, 0]
    assert np.allclose(ours, [similarity_by_loop(given, one) for one in found], atol=1e-7)


def test_people_of_an_image_are_measured_as_each_of_them_alone():
    bare = dict(id=1, bbox=[0, 0, 20, 20], area=400, segmentation=[])
    given = annotation(1), bare, annotation(2, box=(20, 9, 31, 33), count=7), annotation(3, count=1)
    people = [read(one) for one in given]
    found = [detection(1), detection(5, box=(20.7, 11.2, 25.5, 30.5)), detection(6, box=(60, 30, 10, 10))]
    together = point_similarity(found, people, body=small_body())
    alone = [point_similarity(found, [one], body=small_body())[:, 0] for one in people]
    assert (together == np.stack(alone, axis=1)).all()
    assert (together[0, [0, 2]] > 0).all()


def test_an_exact_prediction_is_worth_1_and_one_elsewhere_0():
    charts, uv, _, _ = body_tables()
    given = annotation(count=1, box=(10, 5, 30, 40))
    given.update(dp_x=[100.0], dp_y=[100.0], dp_I=[int(charts[0])], dp_U=[uv[0, 0]], dp_V=[uv[0, 1]])
    iuv = np.zeros((3, 40, 30), np.uint8)
    iuv[:] = np.array([charts[0], *np.rint(255 * uv[0])])[:, None, None]
    near, far = DetectedPerson((10, 5, 30, 40), 1.0, iuv), DetectedPerson((45, 5, 30, 40), 1.0, iuv)
    assert point_similarity([near, far], [read(given)], body=small_body()).tolist() == [[1], [0]]


def test_distances_are_squared_in_the_precision_of_the_table_where_none_is_0_or_infinite():
    charts, uv, vertex, square = body_tables()
    target, other = 0, np.flatnonzero((charts == charts[0]) & (vertex != vertex[0]))[0]
    given = annotation(count=1, box=(10, 5, 30, 40))
    given.update(dp_x=[100.0], dp_y=[100.0], dp_I=[int(charts[target])], dp_U=[uv[target, 0]], dp_V=[uv[target, 1]])
    iuv = np.zeros((3, 40, 30), np.uint8)
    iuv[:] = np.array([charts[other], *np.rint(255 * uv[other])])[:, None, None]
    distance = square[vertex[target], vertex[other]]
    in_double, in_single = (np.exp(-np.float64(squared) / (2 * KAPPA[int(charts[target])] ** 2)) for squared in (
        np.float64(distance) ** 2, distance ** 2))
    ours = point_similarity([DetectedPerson((10, 5, 30, 40), 1.0, iuv)], [read(given)], body=small_body())[0, 0]
    assert ours == in_single != in_double


def test_people_without_dense_pose_and_people_without_points_are_0():
    bare = dict(id=1, bbox=[0, 0, 20, 20], area=400, segmentation=[])
    empty = dict(annotation(), **{key: [] for key in ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V')})
    people = [read(bare), read(empty)]
    assert people[0].points is None
    assert people[1].points is not None
    assert not point_similarity([detection()], people, body=small_body()).any()
    assert point_similarity([], people, body=small_body()).shape == (0, 2)


def test_mask_ious_count_pixels():
    people = [read(annotation()), read(dict(annotation(), iscrowd=1))]
    found = [detection(), detection(3, box=(-6, 40, 30, 36))]  # one that leaves the image
    ours = mask_ious(found, people, image_shape=SHAPE)
    for row, one in enumerate(found):
        fill = np.zeros(SHAPE, bool)
        for y in range(int(one.box[3])):
            for x in range(int(one.box[2])):
                if 0 <= y + one.box[1] < 60 and 0 <= x + one.box[0] < 80:
                    fill[y + int(one.box[1]), x + int(one.box[0])] = one.iuv[0, y, x] > 0
        inter = (fill & people[0].mask).sum()
        assert ours[row] == pytest.approx([inter / (fill | people[0].mask).sum(), inter / max(fill.sum(), 1)])
    assert ours[0, 0] > 0


def test_masks_without_pixels_are_0_with_everything():
    people = [read(annotation()), read(dict(annotation(), iscrowd=1)),
              read(dict(id=1, bbox=[2, 2, 20, 20], area=400, segmentation=encode_rle(np.zeros(SHAPE, bool))))]
    assert [person.mask.any() for person in people] == [True, True, False]
    nothing = DetectedPerson((8, 7, 30, 36), 0.9, np.zeros((3, 36, 30), np.uint8))
    outside = detection(box=(200, 7, 30, 36))
    with np.errstate(all='raise'):
        assert mask_ious([nothing, outside], people, image_shape=SHAPE).tolist() == [[0, 0, 0], [0, 0, 0]]
        assert mask_ious([detection()], people, image_shape=SHAPE)[0, 2] == 0
    assert mask_ious([], people, image_shape=SHAPE).shape == (0, 3)


def test_the_evaluators_read_a_mask_differently_where_part_numbers_are_high():
    first, last = annotation(), annotation()
    last['dp_masks'] = [[]] * 13 + first['dp_masks'][:1]
    areas = {one: [read_mask(dict(given, bbox=[0, 0, 600, 600]), (600, 600), one).sum() for given in (first, last)]
             for one in Evaluator}
    assert areas[Evaluator.DETECTRON2][0] == areas[Evaluator.DETECTRON2][1] > 0
    assert areas[Evaluator.RELEASED][1] > areas[Evaluator.RELEASED][0] > 0  # 14 fades to 0.5 later than 1 does
    bare = dict(id=1, bbox=[2, 2, 20, 20], area=400, segmentation=encode_rle(np.ones(SHAPE, bool)))
    assert read(bare).mask.all()
    assert not read(bare, Evaluator.RELEASED).mask.any()


def test_box_ious():
    people = [read(annotation(box=(10, 5, 30, 40))), read(dict(annotation(box=(10, 5, 30, 40)), iscrowd=1)),
              read(annotation(box=(70, 5, 5, 5)))]
    assert box_ious([detection(box=(10, 5, 30, 20))], people).tolist() == [[0.5, 1, 0]]


@pytest.mark.parametrize(('change', 'named'), [
    (dict(dp_I=[25] * 25), r'annotation 7: dp_I 25 lies outside \[1, 24\]'),
    (dict(dp_I=[0] * 25), 'dp_I 0 lies'), (dict(dp_I=[1.5] * 25), 'not whole'), (dict(dp_U=[1.01] * 25), 'dp_U 1.01'),
    (dict(dp_V=[-0.1] * 25), 'dp_V -0.1'), (dict(dp_x=[1.0]), 'different lengths'), (dict(dp_y=None), 'dp_y is no list'),
    (dict(dp_U=[float('nan')] * 25), 'dp_U is no list'), (dict(dp_masks=[[]] * 15), 'at most 14'),
    (dict(dp_masks=['x']), 'mask 1 of dp_masks'), (dict(dp_masks=[encode_rle(np.ones((4, 4)))]), 'a mask of 4x4')])
def test_a_broken_annotation_is_named(change, named):
    with pytest.raises(DataError, match=named):
        read(dict(annotation(), **change))

"""Dense pose annotations of toy people."""
import json

import numpy as np
import pytest

from mmqanet.datasets import DensePoseCOCODataset
from mmqanet.evaluation.dense_pose import (
    BodySurface,
    DetectedPerson,
    Evaluator,
    mask_ious,
    point_similarity,
    read_people,
)
from mmqanet.functional.charts import PART_OF_CHART
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.preparation.toy.dense_pose import annotate_person
from mmqanet.preparation.toy.surface import draw_surface
from mmqanet.preparation.toy.writer import draw_named
from mmqanet.structures.surface_points import SurfacePoints, place_part_map, read_part_map

pytest.importorskip('h5py')
SIZE = 200, 150
SETTINGS = dict(num_train=3, num_val=1, size=SIZE, seed=5, progress=False)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    draw_toy_dataset(root, dense_pose=True, **SETTINGS)
    return root


def read(folder, split='train'):
    return json.loads((folder / 'annotations' / f'toy-densepose_{split}.json').read_text())


def people_of(folder):
    """(annotation, charts and UV of that person alone) of the training split."""
    content = read(folder)
    for image in content['images']:
        scene = draw_named(image['file_name'].removesuffix('.jpg'), seed=5, sizes=(SIZE, SIZE), max_people=6)
        charts, uv = draw_surface(scene)
        for one in content['annotations']:
            if one['image_id'] == image['id'] and 'dp_x' in one:
                yield one, charts * (scene.human == one['parsing_id']), uv


def test_points_carry_the_surface_at_their_pixel_and_lie_on_their_part_mask(folder):
    count = 0
    for one, charts, uv in people_of(folder):
        points = SurfacePoints.read(one)
        assert 0 < len(points) <= 100
        x, y = points.in_image(one['bbox']).astype(int).T
        np.testing.assert_array_equal(charts[y, x], points.charts)
        np.testing.assert_allclose(uv[:, y, x], [points.u, points.v], atol=1e-4)
        parts = place_part_map(read_part_map(one), one['bbox'], charts.shape)
        np.testing.assert_array_equal(parts, PART_OF_CHART[charts])
        np.testing.assert_array_equal(parts[y, x], PART_OF_CHART[points.charts])
        assert len(one['dp_masks']) == 14
        # evenly from the parts: of none that has more pixels are there fewer points, but for the last turn
        points_of, pixels_of = (np.bincount(values, minlength=15)[1:] for values in (
            PART_OF_CHART[points.charts], parts[parts > 0]))
        short = points_of < pixels_of
        assert not short.any() or points_of[short].min() >= points_of.max() - 1
        count += 1
    assert count >= 3


def test_a_perfect_prediction_scores_one(folder):
    body = BodySurface.load(folder / 'DensePoseData' / 'eval_data')
    for one, charts, uv in people_of(folder):
        x, y, width, height = one['bbox']
        iuv = np.concatenate([charts[None], np.rint(255 * uv)])[:, y:y + height, x:x + width].astype(np.uint8)
        people = read_people([one], body=body, image_shape=charts.shape, evaluator=Evaluator.DETECTRON2)
        found = [DetectedPerson(tuple(one['bbox']), 1.0, iuv)]
        similarity = point_similarity(found, people, body=body)
        assert similarity[0, 0] > 0.995  # 8 bits may fall to the next vertex
        assert mask_ious(found, people, image_shape=charts.shape)[0, 0] > 0.8
        iuv[0] = np.where(iuv[0] > 0, iuv[0] % 24 + 1, 0)  # the next chart everywhere
        assert point_similarity([DetectedPerson(tuple(one['bbox']), 1.0, iuv)], people, body=body)[0, 0] < 0.8


def test_the_data_set_reads_them(folder):
    dataset = DensePoseCOCODataset(
        data_root=str(folder), ann_file='annotations/toy-densepose_train.json', data_prefix=dict(img='Training/Images'))
    assert len(dataset) == sum('dp_x' in one for one in read(folder)['annotations'])


def test_a_folder_drawn_without_can_be_given_it(folder, tmp_path):
    draw_toy_dataset(tmp_path, **SETTINGS)
    assert not (tmp_path / 'DensePoseData').exists()
    before = (tmp_path / 'annotations' / 'toy_train.json').read_bytes()
    draw_toy_dataset(tmp_path, dense_pose=True, **SETTINGS)
    assert (tmp_path / 'annotations' / 'toy_train.json').read_bytes() == before
    assert read(tmp_path) == read(folder)


def test_who_shows_nothing_of_the_body_stays_without():
    nothing = np.zeros((20, 30), np.uint8)
    assert annotate_person(nothing, np.zeros((2, 20, 30)), (2, 3, 10, 8), np.random.default_rng(0)) == {}

"""The metric of dense pose on predicted samples, against the offline evaluation of the file it writes."""
import json

import numpy as np
import pytest
import torch
from dense_bodies import body_tables, write_body
from mmengine.structures import InstanceData

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.dense_pose import Mode, evaluate_dense_pose
from mmqanet.evaluation.dense_pose.metric import DensePoseMetric, whole_pixels
from mmqanet.functional.rle import encode_rle
from mmqanet.structures import ParsingDataSample

SHAPE = (90, 120)
BOXES = [(10, 12, 50, 72), (60.4, 5.2, 110.8, 85.6), (-8, 40, 30, 100)]


@pytest.fixture
def scene(tmp_path):
    """Three people with a chart a stripe: annotation file, body folder and the perfect prediction."""
    rng = np.random.default_rng(0)
    charts, uv, _, _ = body_tables(0)
    annotations, label_maps, uv_maps, offsets = [], [], [], []
    for number, box in enumerate(BOXES):
        x, y, width, height = whole_pixels(box, SHAPE)
        rows = np.sort(rng.choice(len(charts), 6, replace=False))
        stripe = np.arange(height) * 6 // height
        label_maps.append(torch.from_numpy(np.repeat(charts[rows][stripe][:, None], width, 1).astype(np.uint8)))
        uv_maps.append(torch.from_numpy(np.repeat(uv[rows][stripe].T[:, :, None], width, 2).astype(np.float32)))
        offsets.append((y, x))
        places = (np.arange(6) + 0.5) / 6 * 255
        annotations.append(dict(
            id=number + 1, image_id=1, category_id=1, iscrowd=0, area=width * height, bbox=[x, y, width, height],
            dp_masks=[encode_rle(np.ones((256, 256), bool))] + [[]] * 13, dp_x=[127.0] * 6, dp_y=places.tolist(),
            dp_I=charts[rows].tolist(), dp_U=uv[rows, 0].tolist(), dp_V=uv[rows, 1].tolist()))
    (tmp_path / 'people.json').write_text(json.dumps(dict(
        images=[dict(id=1, file_name='a.jpg', height=SHAPE[0], width=SHAPE[1])], annotations=annotations)))
    sample = ParsingDataSample(metainfo=dict(img_id=1, ori_shape=SHAPE))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor(BOXES), label_maps=label_maps, uv_maps=uv_maps, offsets=torch.tensor(offsets),
        qualities=torch.tensor([0.9, 0.8, 0.7]), bbox_scores=torch.tensor([0.2, 0.3, 0.4]))
    return tmp_path, write_body(tmp_path / 'body'), sample


def score(scene, sample, **options):
    folder, body, _ = scene
    metric = DensePoseMetric(ann_file=str(folder / 'people.json'), body=str(body), **options)
    metric.process({}, [sample.to_dict()])
    return metric.evaluate(1)


def test_a_perfect_prediction_has_everything(scene):
    found = score(scene, scene[2], modes=('GPS', 'GPSm', 'IOU'))
    assert [found[f'{mode}/AP'] for mode in ('GPS', 'GPS_box', 'IOU')] == pytest.approx([100] * 3)
    assert found['GPSm/AR'] == pytest.approx(100)


def test_it_ranks_by_quality_and_by_box_score(scene):
    sample = scene[2]
    sample.pred_instances.label_maps[2] = torch.zeros_like(sample.pred_instances.label_maps[2])  # the worst, of the best box
    found = score(scene, sample, modes=('GPS',))
    assert found['GPS/AP'] > found['GPS_box/AP']
    assert found['GPS/AR'] == found['GPS_box/AR']


def test_the_file_it_writes_scores_the_same(scene):
    folder, body, sample = scene
    sample.pred_instances.uv_maps[1] = sample.pred_instances.uv_maps[1] * 0.6
    found = score(scene, sample, outfile=str(folder / 'detections.json'))
    values = evaluate_dense_pose(folder / 'detections.json', folder / 'people.json', body, modes=(Mode.GPSM, Mode.GPS))
    for mode in (Mode.GPSM, Mode.GPS):
        for key, value in values[mode].values().items():
            assert found.get(f'{mode.value}/{key}', -100) == pytest.approx(100 * value)


def test_what_does_not_fit_is_said(scene):
    sample = scene[2]
    with pytest.raises(InputError, match="'GPSx' is not a valid Mode"):
        DensePoseMetric(ann_file='a', body='b', modes=('GPSx',))
    del sample.pred_instances.uv_maps
    with pytest.raises(DataError, match='image 1: the prediction has no uv_maps'):
        score(scene, sample)
    sample.set_metainfo(dict(img_id=9))
    with pytest.raises(DataError, match='image 9 is not among the images'):
        score(scene, sample)


@pytest.mark.parametrize(('box', 'expected'), [
    ((1.9, 2.9, 10.2, 11.9), (1, 2, 9, 9)), ((-5, -7.5, 4, 3), (0, 0, 4, 3)), ((100, 80, 500, 500), (100, 80, 20, 10)),
    ((130, 10, 140, 20), (119, 10, 1, 10)), ((5, 5, 5.5, 9), (5, 5, 1, 4))])
def test_boxes_become_whole_pixels_of_the_image(box, expected):
    assert whole_pixels(box, SHAPE) == expected

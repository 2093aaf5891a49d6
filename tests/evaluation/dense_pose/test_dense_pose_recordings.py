"""Both evaluations agree with values recorded from the original code, number by number."""
import copy
import json

import numpy as np
import pytest

from mmqanet.evaluation.dense_pose import DetectedPerson, Evaluator, Mode, average_precision, match_image
from mmqanet.evaluation.dense_pose.body import BodySurface
from mmqanet.evaluation.dense_pose.matching import AREAS, ImageRecord
from mmqanet.evaluation.dense_pose.offline import AnnotatedImage, record_image

ORIGINALS = {Evaluator.DETECTRON2: 'd2', Evaluator.RELEASED: 'qanet'}


class Recordings:
    """What was recorded."""

    def __init__(self, folder):
        self.body = BodySurface.load(folder / 'toy_body_a')
        self.truth = json.loads((folder / 'eval_a_gt.json').read_text())
        self.found = json.loads((folder / 'eval_a_dets.json').read_text())['detections']
        self.charts = np.load(folder / 'eval_a_uv.npz')
        self.results = json.loads((folder / 'eval_a_results.json').read_text())
        self.arrays = np.load(folder / 'eval_a_results.npz')

    def records(self, truth, evaluator) -> list[ImageRecord]:
        records = []
        for image in truth['images']:
            found = [DetectedPerson(tuple(one['bbox']), one['score'], self.charts[f'det{index:03d}'], index + 1)
                     for index, one in enumerate(self.found) if one['image_id'] == image['id']]
            people = [one for one in truth['annotations'] if one['image_id'] == image['id']]
            scores = np.array([[one.score] for one in found]).reshape(-1, 1)
            records.append(record_image(AnnotatedImage(image, people), found, scores, body=self.body, evaluator=evaluator))
        return records


@pytest.fixture(scope='module')
def recordings(golden_dir):
    pytest.importorskip('h5py')
    return Recordings(golden_dir / 'dense_and_masks')


@pytest.mark.parametrize(('evaluator', 'original'), ORIGINALS.items(), ids=ORIGINALS.values())
def test_similarities_matches_and_precisions(recordings, evaluator, original):
    records, arrays = recordings.records(recordings.truth, evaluator), recordings.arrays
    for record in records:
        order, name = record.ranked(0), f'img{record.image:02d}'
        if not record.gps.size:
            continue
        # Not to the bit: the last digit of an exponential is the processor's.
        np.testing.assert_allclose(record.gps[order], arrays[f'{original}_ogps_{name}'], rtol=1e-14, atol=0)
        assert (record.box_ious[order] == arrays[f'boxiou_{name}']).all()
        assert np.abs(record.mask_ious[order] - arrays[f'{original}_maskiou_{name}']).max() < 1.1e-3
    for mode in Mode:
        found = average_precision(records, mode=mode)
        assert np.abs(found.precision - arrays[f'{original}_{mode.value}_precision']).max() < 1e-12
        expected = recordings.results['metrics'][f'{original}_{mode.value}']
        assert found.values() == pytest.approx({key: expected[key] for key in found.values()}, abs=1e-12)
        for record in records:
            for column, area in enumerate(AREAS):
                key = f'{original}_{mode.value}_a{column}_img{record.image:02d}'
                ours = match_image(record, mode=mode, area=area)
                idents = np.where(ours.matches >= 0, np.append(record.people, 0)[ours.matches], 0)
                assert (idents == arrays[f'{key}_dtMatches']).all(), key
                assert (ours.ignored == arrays[f'{key}_dtIgnore']).all(), key


def without_image_4(truth):
    truth['annotations'] = [one for one in truth['annotations'] if one['image_id'] != 4]


def single_point(truth):
    person, = (one for one in truth['annotations'] if one['id'] == 114)
    person.update({key: person[key][:1] for key in ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V')})


def ignore_regions(truth):
    regions = {5: ([150.0, 316.0, 316.0, 150.0], [4.0, 4.0, 236.0, 236.0]),
               12: ([100.0, 150.0, 150.0, 100.0], [20.0, 20.0, 230.0, 230.0])}
    for image in truth['images']:
        if image['id'] in regions:
            image['ignore_regions_x'], image['ignore_regions_y'] = ([side] for side in regions[image['id']])


def no_segmentation(truth):
    for person in truth['annotations']:
        del person['segmentation']


@pytest.mark.parametrize(('change', 'block'), [
    (without_image_4, 'no_gt_image'), (single_point, 'single_point'), (ignore_regions, 'ignore_regions'),
    (no_segmentation, 'no_segmentation')])
def test_variants(recordings, change, block):
    truth = copy.deepcopy(recordings.truth)
    change(truth)
    compared = 0
    for evaluator, original in ORIGINALS.items():
        expected = {mode: recordings.results['blocks'][block].get(f'{original}_{mode.value}') for mode in Mode}
        if not any(isinstance(values, dict) for values in expected.values()):
            continue  # the original stumbles
        records = recordings.records(truth, evaluator)
        for mode, values in expected.items():
            if isinstance(values, dict):
                found = average_precision(records, mode=mode).values()
                assert found == pytest.approx({key: values[key] for key in found}, abs=1e-12)
                compared += 1
    assert compared >= 2

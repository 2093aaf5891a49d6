"""Readers of results, from others or from earlier runs, fed with damaged files, as in ``test_fuzz.py``."""
import json
import random

import numpy as np
import pytest
from dense_bodies import small_body
from dense_pose_attacks import detection, other, person, saved, truth, without_charts
from export_attacks import META
from test_fuzz import as_json, damaged, message_of
from video_attacks import part, record
from video_attacks import person as recorded_person

from mmqanet.apis.records import is_parsing, read_record
from mmqanet.deployment.runtime import RuntimeProblem, read_meta
from mmqanet.errors import DataError
from mmqanet.evaluation.dense_pose.offline import read_annotations, record_image
from mmqanet.evaluation.dense_pose.result_files import read_charts, read_results
from mmqanet.evaluation.dense_pose.similarity import DetectedPerson, Evaluator
from mmqanet.exports.coco import coco_dataset
from mmqanet.exports.label_studio import label_studio_tasks
from mmqanet.exports.report import report
from mmqanet.functional.rle import encode_rle
from mmqanet.structures import LabelSet

FILES = 50
FINDER = dict(id='x', scale=[800, 1333], divisor=32, nms_pre=100, candidate_thr=0.1, min_bbox_size=0, iou_threshold=0.5,
              max_per_img=10, score_thr=0.3, max_people=5)


@pytest.mark.parametrize('seed', range(4))
def test_charts(tmp_path, seed):
    rng, charts, packed = random.Random(seed), saved(np.ones((3, 4, 4), np.uint8)), json.dumps([detection()])
    for index in range(FILES):
        path = tmp_path / f'{index}.json'  # a name of its own, as arrays are remembered by it
        if rng.random() < 0.5:
            path.write_bytes(as_json(rng, packed))
        else:
            path.write_text(json.dumps([without_charts()]))
            path.with_name(f'{index}_uv.npz').write_bytes(damaged(charts, rng))
        try:
            for found in read_results(path):
                read = read_charts(found, path)
                assert (read.dtype, read.shape[0]) == (np.uint8, 3)
                assert read[0].max(initial=0) <= 24
        except DataError as error:
            message_of(error, tmp_path / str(index))


@pytest.mark.parametrize('seed', range(4))
def test_dense_pose_annotations(tmp_path, seed):
    rng, path, body = random.Random(seed), tmp_path / 'x.json', small_body()
    good = json.dumps(truth(person(), other(segmentation=encode_rle(np.ones((60, 80), bool)))))
    detections = [DetectedPerson((1, 1, 5, 5), 0.5, np.ones((3, 5, 5), np.uint8), 1)]
    for _ in range(FILES):
        path.write_bytes(as_json(rng, good))
        try:
            for annotated in read_annotations(path).values():
                found = record_image(annotated, detections, np.array([[0.5]]), body=body, evaluator=Evaluator.DETECTRON2)
                assert ((found.gps >= 0) & (found.gps <= 1)).all()
                assert ((found.mask_ious >= 0) & (found.mask_ious <= 1)).all()
        except DataError as error:
            message_of(error, '')


@pytest.mark.parametrize('seed', range(4))
def test_meta_files_of_exports(tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / 'meta.json'
    for _ in range(FILES):
        path.write_bytes(as_json(rng, json.dumps(dict(META, detector=FINDER))))
        try:
            found = read_meta(path)
            assert len(found['classes']) == len(found['palette'])
            assert 0 <= found['min_region'] <= 1
        except RuntimeProblem as error:
            message_of(error, path)


@pytest.mark.parametrize('seed', range(4))
def test_records_of_earlier_runs(tmp_path, seed):
    mask = np.zeros((30, 20), bool)
    mask[3:9, 2:7] = True
    people = [recorded_person(part(rle=encode_rle(mask))), recorded_person(part(rle=encode_rle(~mask)), id=2)]
    rng, path = random.Random(seed), tmp_path / 'x.json'
    label_set = LabelSet(classes=('background', 'x'), palette=((0, 0, 0), (9, 9, 9)), flip_pairs=())
    usable = 0
    for _ in range(FILES):
        path.write_bytes(as_json(rng, json.dumps(record(*people))))
        found = read_record(path)
        if found is not None and is_parsing(found):
            usable += 1
            for of in ('people', 'parts'):
                json.loads(''.join(coco_dataset(lambda found=found: [found], of=of)))
            json.loads(''.join(label_studio_tasks([found])))
            assert ''.join(report([(found, None)], label_set=label_set)).endswith('</html>\n')
    assert usable

"""The people a detector finds, written so that a parser can be tested with them."""
import json
from pathlib import Path

import pytest
import torch

from mmqanet.datasets import HumanParsingDataset
from mmqanet.errors import DataError, InputError
from mmqanet.evaluation import DetectionFile, person_label


def sample(img_id, rows):
    rows = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    return dict(img_id=img_id, pred_instances=dict(bboxes=rows[:, :4], scores=rows[:, 4], labels=rows[:, 5].long()))


@pytest.fixture
def metric(tmp_path):
    metric = DetectionFile(path=tmp_path / 'out/found.json')
    metric.dataset_meta = dict(classes=('dog', 'person'))
    return metric


def test_a_parser_reads_what_a_detector_found(metric, tmp_path):
    metric.process(None, [sample(7, [[1, 2, 11, 22, 0.4, 1], [0, 0, 30, 40, 0.1, 1], [3, 3, 9, 9, 0.99, 0],
                                     [5.125, 2, 20, 30.5, 0.9, 1], [4, 4, 4.001, 9, 0.8, 1]])])
    metric.process(None, [sample(3, []), sample(5, [[0, 0, 4, 4, 0.6, 1]])])
    assert metric.evaluate(3) == {}
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['found.json']
    images = [dict(id=k, file_name=f'{k}.jpg', height=50, width=40) for k in (3, 5, 7)]
    (tmp_path / 'val.json').write_text(json.dumps(dict(images=images, annotations=[])))
    read = HumanParsingDataset(
        metainfo=dict(classes=('a', 'b'), palette=[(0, 0, 0)] * 2, flip_pairs=()), data_root=str(tmp_path),
        ann_file='val.json', detection_file='out/found.json', detection_score_thr=0.2, data_prefix=dict(img=''),
        test_mode=True)
    people = {info['img_id']: info for info in map(read.get_data_info, range(3))}
    assert people[3]['bboxes'].shape == (0, 4)
    assert people[5]['bboxes'].tolist() == [[0, 0, 4, 4]]
    # By descending score, to the hundredth of a pixel; the dog, the unlikely person and the sliver are left out.
    assert people[7]['bboxes'].ravel().tolist() == pytest.approx([5.12, 2, 20, 30.5, 1, 2, 11, 22], abs=0.01)
    assert people[7]['bbox_scores'].tolist() == pytest.approx([0.9, 0.4])


@pytest.mark.parametrize(('options', 'expected'), [
    (dict(), [0.9, 0.5, 0.25, 0]), (dict(score_thr=0.25), [0.9, 0.5, 0.25]), (dict(score_thr=0.251), [0.9, 0.5])])
def test_a_threshold_is_inclusive_and_narrow_boxes_count(tmp_path, options, expected):
    metric = DetectionFile(path=tmp_path / 'found.json', **options)
    metric.dataset_meta = dict(classes=('person',))
    metric.process(None, [sample(1, [[2, 2, 2.5, 9, 0.25, 0], [2, 2, 9, 2.01, 0.5, 0], [1, 1, 3, 3, 0, 0],
                                     [0, 0, 5, 5, 0.9, 0], [2, 2, 2, 9, 0.9, 0], [2, 2, 9, 2, 0.9, 0]])])
    metric.evaluate(1)
    assert [person['score'] for person in json.loads((tmp_path / 'found.json').read_text())] == expected


def test_nobody_found_is_an_empty_list(metric):
    metric.process(None, [sample(1, [])])
    metric.evaluate(1)
    assert json.loads(Path(metric.path).read_text()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    metric = DetectionFile(path=tmp_path / 'file/found.json')
    with pytest.raises(DataError, match=r'found\.json: cannot be written'):
        metric.compute_metrics([])


def test_the_person_is_found_by_name():
    assert person_label(('Dog', 'Person')) == 1
    assert person_label('person') == 0
    with pytest.raises(InputError, match=r"no class 'person' among its 6: a, b, c, d, e, \.\.\."):
        person_label(list('abcdef'))

"""COCO data sets of many pictures, read by pycocotools."""
import json

import numpy as np
import pytest
from records import CLASSES, described, random_parts

from mmqanet.exports.coco import coco_dataset

FIRST, SECOND = random_parts(0, size=(30, 40)), random_parts(1, size=(26, 18))
RECORDS = [described('a', FIRST, size=(30, 40)), described('nobody', [], size=(9, 9)), described('b', SECOND, size=(26, 18))]


def load(of, records):
    COCO = pytest.importorskip('pycocotools.coco').COCO
    coco = COCO()
    coco.dataset = json.loads(''.join(coco_dataset(lambda: iter(records), of=of)))
    coco.createIndex()
    return coco


def test_parts():
    coco = load('parts', RECORDS)
    assert [(image['id'], image['file_name'], image['width'], image['height']) for image in coco.dataset['images']] == [
        (1, 'photos/a.jpg', 40, 30), (2, 'photos/nobody.jpg', 9, 9), (3, 'photos/b.jpg', 18, 26)]
    assert {label: row['name'] for label, row in coco.cats.items()} == dict(enumerate(CLASSES[1:], start=1))
    assert coco.getAnnIds(imgIds=[2]) == []
    expected = [(1, part) for part in FIRST] + [(3, part) for part in SECOND]
    for row, (image, (person, label, quality, mask)) in zip(coco.dataset['annotations'], expected, strict=True):
        assert (coco.annToMask(row) == mask).all()
        rows, columns = np.nonzero(mask)
        assert row['bbox'] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert (row['image_id'], row['category_id'], row['person'], row['score'], row['area'], row['iscrowd']) == (
            image, label, person, quality, mask.sum(), 0)


def test_people_are_the_sum_of_their_parts():
    coco = load('people', RECORDS)
    assert [(row['id'], row['name']) for row in coco.dataset['categories']] == [(1, 'person')]
    rows = coco.dataset['annotations']
    assert [(row['id'], row['image_id'], row['person'], row['score']) for row in rows] == [
        (1, 1, 1, 0.51), (2, 1, 2, 0.52), (3, 3, 1, 0.51), (4, 3, 2, 0.52)]
    for row, parts in zip(rows, (FIRST, FIRST, SECOND, SECOND)):
        mask = sum(mask for person, _, _, mask in parts if person == row['person'])
        assert (coco.annToMask(row) == mask).all()
        assert row['area'] == mask.sum()


@pytest.mark.parametrize('of', ['people', 'parts'])
def test_no_pictures(of):
    assert load(of, []).dataset['images'] == []


def test_fiftyone_imports_parts_with_their_qualities(tmp_path):
    fouc = pytest.importorskip('fiftyone.utils.coco')
    path = tmp_path / 'coco_parts.json'
    path.write_text(''.join(coco_dataset(lambda: iter(RECORDS), of='parts')), encoding='utf-8')
    importer = fouc.COCODetectionDatasetImporter(
        data_path={record['source']: record['source'] for record in RECORDS}, labels_path=str(path),
        label_types='segmentations', extra_attrs=True, include_id=True)
    with importer:
        found = [labels.get('segmentations') for _, _, labels in importer]
    assert found[1] is None
    for image, parts in ((found[0], FIRST), (found[2], SECOND)):
        for row, (person, label, quality, mask) in zip(image.detections, parts, strict=True):
            assert (row.label, row['person'], row.confidence) == (CLASSES[label], person, quality)
            rows, columns = np.nonzero(mask)
            assert (row.mask == mask[rows.min():rows.max() + 1, columns.min():columns.max() + 1]).all()

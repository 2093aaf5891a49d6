"""A converted folder in which something was changed afterwards."""
import json
import re

import numpy as np
import pytest
from PIL import Image

from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.verify import verify


@pytest.fixture
def cihp(make_archive, tmp_path):
    """A converted CIHP: its training folder, and the check of it."""
    archive = make_archive('CIHP')
    convert(archive.converter(), tmp_path / 'out', show_progress=False)
    return tmp_path / 'out/Training', lambda: verify(archive.converter(), tmp_path / 'out', show_progress=False)


def edit_json(folder, change):
    path = folder.parent / 'annotations/CIHP_train.json'
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_map(folder, kind, change):
    path = folder / f'{kind}/b.png'
    labels = np.array(Image.open(path)).astype(np.int32)
    change(labels)
    Image.fromarray(labels.astype(np.uint8)).save(path)


def put(place, value):
    return lambda labels: labels.__setitem__(place, value)


DAMAGES = {
    'no_image': (lambda folder: (folder / 'Images/b.jpg').unlink(), r'Images/b\.jpg: no such file'),
    'half_image': (lambda folder: (folder / 'Images/b.jpg').write_bytes((folder / 'Images/b.jpg').read_bytes()[:-300]),
                   'the image cannot be read'),
    'half_map': (lambda folder: (folder / 'Human_ids/b.png').write_bytes(b'\x89PNG'), r'Human_ids/b\.png: not readable'),
    'size': (lambda folder: Image.new('L', (31, 24)).save(folder / 'Category_ids/b.png'), r'category map of \(24, 31\)'),
    'label': (lambda folder: edit_map(folder, 'Category_ids', put((5, 3), 20)), 'category 20 is outside'),
    'person': (lambda folder: edit_map(folder, 'Human_ids', put((0, 0), 1)), 'person 1: bbox differs'),
    'new_person': (lambda folder: edit_map(folder, 'Human_ids', put((5, 3), 9)), 'person 1: area differs|person 9'),
    'part': (lambda folder: edit_map(folder, 'Instance_ids', put((5, 3), 22)), 'another class or person'),
    'part_table': (lambda folder: (folder / 'Instance_ids/b.txt').write_text('1 1 1\n'), r'b\.txt: its part ids'),
    'no_table': (lambda folder: (folder / 'Instance_ids/b.txt').unlink(), r'b\.txt: no such file'),
    'json_size': (lambda folder: edit_json(folder, lambda c: c['images'][1].update(height=25)), 'the JSON says 32x25'),
    'json_box': (lambda folder: edit_json(folder, lambda c: c['annotations'][2].update(bbox=[2, 4, 6, 17])), 'bbox differs'),
    'json_area': (lambda folder: edit_json(folder, lambda c: c['annotations'][2].update(area=1)), 'area differs'),
    'json_mask': (lambda folder: edit_json(folder, lambda c: c['annotations'][2]['segmentation'].update(counts='0')),
                  'segmentation differs'),
    'json_lacks': (lambda folder: edit_json(folder, lambda c: c['annotations'].pop(2)), 'person 1 of the maps is not in'),
    'json_twice': (lambda folder: edit_json(folder, lambda c: c['annotations'].append(c['annotations'][2])), 'has 3 people'),
    'json_more': (lambda folder: edit_json(folder, lambda c: c['annotations'].append(
        dict(c['annotations'][2], parsing_id=7))), 'the JSON has 3 people, the maps have 2'),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_what_does_not_agree_is_named(cihp, damage):
    folder, check = cihp
    spoil, message = DAMAGES[damage]
    spoil(folder)
    report, val, _ = check()
    failed, = report.failed
    assert failed.name == 'b'
    assert re.search(message, failed.error), failed.error
    assert report.incomplete
    assert not val.incomplete


def test_people_of_an_image_that_is_not_there(cihp):
    folder, check = cihp
    edit_json(folder, lambda content: content['annotations'][0].update(image_id=77))
    failures = check()[0].failed
    assert [failure.error for failure in failures] == [
        'person 1 of the maps is not in the JSON', '1 person of image 77, which it does not hold']


def test_polygons_of_other_programs_are_let_pass(cihp):
    folder, check = cihp
    edit_json(folder, lambda content: content['annotations'][0].update(segmentation=[[2, 4, 8, 4, 8, 20, 2, 20]]))
    assert not check()[0].incomplete


def test_images_without_labels_want_their_json_as_well(cihp):
    folder, check = cihp
    (folder.parent / 'annotations/CIHP_test.json').unlink()
    assert check()[2].incomplete
    (folder.parent / 'Testing').rename(folder.parent.parent / 'elsewhere')
    assert not check()[2].incomplete


@pytest.mark.parametrize('content', [None, '{"images": 1'])
def test_a_missing_or_broken_json_is_named(cihp, content):
    folder, check = cihp
    path = folder.parent / 'annotations/CIHP_train.json'
    path.unlink()
    if content:
        path.write_text(content)
    report, val, _ = check()
    assert report.incomplete
    assert 'CIHP_train.json' in report.lines()[0]
    assert len(val.done) == 2

"""COCO-style JSON of every wrong kind: one line that names the file, the record and the field."""
import copy
import json

import numpy as np
import pytest

from mmqanet.errors import DataError, InputError
from mmqanet.structures.coco_people import image_index, load_coco, load_detections, person_boxes, valid_box
from mmqanet.structures.segmentation import decode_segmentation

GOOD = dict(
    images=[dict(id=1, file_name='a.jpg', height=20, width=10)],
    annotations=[dict(id=7, image_id=1, bbox=[1, 1, 5.5, 5], area=20.5, iscrowd=0, parsing_id=1, category_id=1, extra=None)])
DETECTION = dict(image_id=1, category_id=1, bbox=[1, 1, 5, 5], score=0.5)


@pytest.fixture
def read(tmp_path):
    """The people of an annotation file with this content, as text or as a value."""
    def read(content):
        path = tmp_path / 'x.json'
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        content = load_coco(str(path))
        images = image_index(content['images'], str(path))
        return person_boxes(content['annotations'], images, str(path))
    return read


def changed(part: str, field: str, value) -> dict:
    content = copy.deepcopy(GOOD)
    content[part][0][field] = value
    return content


WRONG = {
    'id': ['x', None, -1, 1.5, True, [1], 10**20, {}],
    'height': ['20', None, 0, -3, 2.5, False, float('inf')],
    'file_name': [None, 3, ['a.jpg'], {}],
    'image_id': ['1', None, -1, 1.5, [1]],
    'parsing_id': ['p1', None, -1, float('nan')],
    'category_id': ['person', None, -1],
    'bbox': [None, '1 1 5 5', [1, 1, 5], [1, 1, 5, None], [1, 1, 5, '5'], [1, 1, 5, float('nan')], [1, 1, 5, 1e300],
             [1, 1, 5, True], {'x': 1}, 5],
    'area': [None, '9', float('nan'), [9], True],
    'iscrowd': [None, '0', 2, 0.5, [0]],
    'score': [None, '0.5', 1.5, -0.1, float('nan')],
}


@pytest.mark.parametrize(('field', 'value'), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_value_of_the_wrong_kind_is_named(read, field, value):
    part = 'images' if field in ('height', 'file_name') else 'annotations'
    where = {'images': 'image 1', 'annotations': 'annotation 7'}[part] if field != 'id' else r'annotations\[0\]'
    with pytest.raises(DataError, match=rf'x\.json: {where}: {field} .* is not ') as refusal:
        read(changed(part, field, value))
    assert '\n' not in str(refusal.value)


def test_numbers_of_programs_that_know_only_floats_are_read(read):
    content = changed('annotations', 'image_id', 1.0)
    content['images'][0].update(height=20.0, id=1.0)
    person, = read(content)[1]
    assert (person['image_id'], person['parsing_id'], person['area'], person['bbox']) == (1, 1, 20.5, [1, 1, 5.5, 5])
    assert isinstance(person['image_id'], int)


@pytest.mark.parametrize(('content', 'message'), [
    ('[]', 'an object is expected, this JSON holds a list'),
    ('null', 'an object'),
    ('{"images": []}', "field 'annotations' is missing"),
    ({**GOOD, 'annotations': None}, 'a list of annotations is expected, not null'),
    ({**GOOD, 'images': {'1': 2}}, r'a list of images is expected, not \{"1": 2\}'),
    ({**GOOD, 'annotations': [None]}, r'annotations\[0\] is null, not an object'),
    ({**GOOD, 'images': [*GOOD['images'], 3]}, r'images\[1\] is 3, not an object'),
    ({**GOOD, 'images': GOOD['images'] * 2}, 'image id 1 stands twice'),
    ('{"images": [], "annotations": [], "images": []}', r"not readable as JSON \(key 'images' stands twice"),
    ('{"images": [{"id": 1, "id": 2}], "annotations": []}', r"not readable as JSON \(key 'id' stands twice"),
    ('[' * 100_000, 'not readable as JSON'),
    ('{"images": [], "annotations": [' + '[' * 50_000 + ']' * 50_000 + ']}', 'not readable as JSON'),
    ({**GOOD, 'images': [json.loads('[' * 900 + ']' * 900)]}, r'images\[0\] is .*, not an object'),
    ('\x00', 'not readable as JSON'),
    ('{"images": [{"id": ' + '1' * 5000 + '}], "annotations": []}', 'not readable as JSON'),
])
def test_another_structure_is_named(read, content, message):
    with pytest.raises(DataError, match=rf'x\.json: {message}') as refusal:
        read(content)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize('value', ['x' * 58, 'x' * 59, [1] * 20, [1] * 21, {'a': 'b' * 900}])
def test_long_values_are_shown_in_60_characters(read, value):
    text = json.dumps(value)
    with pytest.raises(DataError) as refusal:
        read(changed('annotations', 'area', value))
    shown = str(refusal.value).split(': area ')[1].removesuffix(' is not a finite number')
    assert len(shown) <= 60
    assert shown == (text if len(text) <= 60 else text[:len(shown) - 3] + '...')


@pytest.mark.parametrize(('box', 'area', 'fault'), [
    ([0, 0, 10, 20], 200, None), ([9.5, 19.5, 5, 5], 25, None), ([-4, -4, 4.5, 4.5], 20, None),
    ([1, 1, 0.5, 0.5], 0.1, None),
    *(([1, 1, *size], 9, 'is empty') for size in ((0, 5), (5, 0), (-1, 5), (5, -1), (-3, -3), (0, 0))),
    ([1, 1, 5, 5], 0, 'is empty'), ([1, 1, 5, 5], -2, 'is empty'),
    *(([x, y, 5, 5], 25, 'lies outside the image of 10x20') for x, y in ((10, 1), (1, 20), (-5, 1), (1, -5), (50, -50)))])
def test_a_box_has_an_area_and_touches_its_image(box, area, fault):
    found = valid_box(dict(bbox=box, area=area), dict(width=10, height=20))
    assert found is None if fault is None else found.startswith(f'bbox {box} ') and found.endswith(fault)


def test_a_byte_order_mark_is_no_fault(read):
    assert list(read('\ufeff' + json.dumps(GOOD))) == [1]


@pytest.mark.parametrize(('content', 'message'), [
    (dict(annotations=[]), 'a list is expected, this JSON holds an object'),
    ([dict(DETECTION, score='high')], r'detections\[0\]: score "high" is not a number in \[0, 1\]'),
    ([DETECTION, dict(DETECTION, score=17)], r'detections\[1\]: score 17 is not'),
    ([dict(DETECTION, bbox=[1, 2, 3])], r'detections\[0\]: bbox \[1, 2, 3\] is not four finite numbers'),
    (['person'], r'detections\[0\] is "person", not an object'),
])
def test_detections_are_read_alike(tmp_path, content, message):
    path = tmp_path / 'found.json'
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf'found\.json: {message}'):
        load_detections(str(path))


def test_people_of_detections_belong_to_nobody_and_those_of_annotations_are_sure():
    images = {1: {}, 2: {}}
    found = person_boxes([
        dict(image_id=2, bbox=[1, 2, 3, 4], score=0.25), dict(image_id=1, bbox=[0, 0, 9, 9], score=1, category_id=3),
        dict(image_id=2, bbox=[5, 6, 7, 8], score=0.5, category_id=1, id=40, area=9)], images, 'x.json', detections=True)
    assert found == {2: [
        dict(id=0, image_id=2, bbox=[1, 2, 3, 4], iscrowd=0, area=12, score=0.25, parsing_id=0),
        dict(id=40, image_id=2, bbox=[5, 6, 7, 8], iscrowd=0, area=9, score=0.5, parsing_id=0)]}
    crowd = dict(id=7, image_id=1, bbox=[1, 2, 3, 4], parsing_id=5, iscrowd=1, category_id=3)
    assert person_boxes([crowd], images, 'x.json') == {1: [
        dict(id=7, image_id=1, bbox=[1, 2, 3, 4], iscrowd=1, area=12, score=1.0, parsing_id=5)]}


@pytest.mark.parametrize(('detections', 'fields'), [(True, ['image_id', 'bbox', 'score']),
                                                    (False, ['id', 'image_id', 'bbox', 'parsing_id'])])
def test_a_person_that_lacks_a_field_is_named_by_id_or_place(detections, fields):
    whole = dict(id=70, image_id=1, bbox=[1, 2, 3, 4], score=0.5, parsing_id=1)
    for field in fields:
        rest = {key: value for key, value in whole.items() if key != field}
        name = 1 if field == 'id' else 70
        with pytest.raises(DataError) as refusal:
            person_boxes([whole, rest], {1: {}}, 'x.json', detections=detections)
        assert str(refusal.value) == f"x.json: annotation {name}: field '{field}' is missing"
    with pytest.raises(DataError) as refusal:
        person_boxes([whole, dict(whole, image_id=3)], {1: {}}, 'x.json', detections=detections)
    assert str(refusal.value) == 'x.json: annotation 70: image_id 3 is not among the images'
    del whole['score' if not detections else 'parsing_id']
    assert len(person_boxes([whole], {1: {}}, 'x.json', detections=detections)[1]) == 1


@pytest.mark.parametrize(('change', 'message'), [
    *((dict(drop=field), f"image {0 if field == 'id' else 4}: field '{field}' is missing")
      for field in ('id', 'file_name', 'height', 'width')), (dict(file_name='../a.jpg'), 'image 4: .*'),
    (dict(file_name='/a.jpg'), 'image 4: .*')])
def test_an_image_that_lacks_a_field_or_lies_elsewhere_is_named(change, message):
    image = dict(id=4, file_name='a.jpg', height=20, width=10) | change
    image.pop(image.pop('drop', None), None)
    with pytest.raises(DataError, match=rf'^x\.json: {message}$'):
        image_index([image], 'x.json')


def test_an_image_of_more_pixels_than_memory_is_named(read):
    big = changed('images', 'height', 2**20) | dict(annotations=[])
    big['images'][0]['width'] = 256
    assert read(big) == {}
    big['images'][0]['width'] = 257
    with pytest.raises(DataError, match=r'x\.json: image 1: 257x1048576 \(width x height\) is more than 268,435,456 pixels'):
        read(big)


@pytest.mark.parametrize(('segmentation', 'reason'), [
    ([[0, 0, 9, 0, 21, 21]], 'a polygon that leaves the image by more than its size'),
    ([[0, 0, 9, 0, 9, -11]], 'a polygon that leaves the image by more than its size'),
    (dict(size=[10, 21], counts=[210]), r'size: a mask of \[10, 21\] in an image of \[10, 6\]'),
    (dict(size=[10, 21], counts='o0'), 'size: a mask of 10x21, and 10x6 is expected')])
def test_masks_and_polygons_larger_than_their_image_are_refused(segmentation, reason):
    pytest.importorskip('pycocotools')
    with pytest.raises(InputError, match=reason):
        decode_segmentation(segmentation, (10, 6))
    square = decode_segmentation([[1, 2, 4, 2, 4, 7, 1, 7], [-10, 20, -9, 20, -9, 19]], (10, 6))
    assert np.argwhere(square).min(0).tolist() == [2, 1]
    assert square.sum() == 15

"""Boxes of people from JSON files of several layouts."""
import json

import pytest

from mmqanet.cli.boxes import read_boxes
from mmqanet.errors import DataError


@pytest.fixture
def read(tmp_path):
    def run(content, *, prefix=b''):
        path = tmp_path / 'boxes.json'
        path.write_bytes(prefix + (content if isinstance(content, bytes) else json.dumps(content).encode()))
        return {name: rows.tolist() for name, rows in read_boxes(str(path)).items()}
    return run


def coco(**changes):
    people = [dict(id=1, image_id=1, category_id=7, bbox=[10, 10, 50, 100]),
              dict(id=2, image_id=1, category_id=3, bbox=[0, 0, 5, 5]),
              dict(id=3, image_id=1, category_id=7, bbox=[1, 1, 9, 9], iscrowd=1)]
    return dict(dict(images=[dict(id=1, file_name='x/a.jpg')], annotations=people,
                     categories=[dict(id=3, name='dog'), dict(id=7, name='person')]), **changes)


def test_of_a_whole_data_set_people_count_and_crowds_do_not(read):
    assert read(coco()) == {'x/a.jpg': [[10, 10, 60, 110]], 'a.jpg': [[10, 10, 60, 110]]}
    assert len(read(coco(categories=[]))['a.jpg']) == 2  # without categories all are people


def test_scores_come_along(read):
    scored = [dict(id=1, image_id=1, category_id=7, bbox=[10, 10, 50, 100], score=0.5)]
    assert read(coco(annotations=scored))['a.jpg'] == [[10, 10, 60, 110, 0.5]]
    assert read({'a.jpg': [[1, 2, 3, 4, 0.25]]}) == {'a.jpg': [[1, 2, 3, 4, 0.25]]}
    assert read({'a.jpg': []}, prefix=b'\xef\xbb\xbf') == {'a.jpg': []}


@pytest.mark.parametrize(('content', 'message'), [
    ({'a.jpg': [[1, 2, 3]]}, "'a.jpg': rows must have 4 numbers each, or 5"),
    ({'a.jpg': [[1, 2, 3, 4], [1, 2, 3, 4, 1]]}, 'rows must have 4 numbers each, or 5'),
    ({'a.jpg': [[1, 2, 3, 'x']]}, 'something else than numbers'), ({'a.jpg': 3}, 'must be a list'),
    ({'a.jpg': [[1, 2, 3, True]]}, 'something else than numbers'), ({'a.jpg': [3]}, 'must be a list'),
    ({'a.jpg': [[1, 2, 3, 10**400]]}, "'a.jpg': a number is too large"),
    ({'a.jpg': [[1, 2, -1e39, 3]]}, "'a.jpg': a number is too large"),
    ([], 'an object is expected'), (b'{"a": [], "a": []}', 'stands twice'), (b'{', 'not readable as JSON'),
    *((coco(**{key: value}), f'{key} must be a list of objects') for key in ('images', 'annotations', 'categories')
      for value in ([3], [dict(id=3, name='dog', file_name='a'), 'x'], dict(id=3), 3, 'ab')),
    (coco(images=[dict(id=1)]), 'an image needs an id and a file_name'),
    (coco(images=[dict(id=1, file_name='a'), dict(id=1, file_name='b')]), 'two images have the id 1'),
    (coco(annotations=[dict(id=4, image_id=9, category_id=7, bbox=[1, 1, 2, 2])]), 'annotation 4: image_id 9 is of no'),
    *((coco(annotations=[dict(id=4, image_id=1, category_id=7, bbox=box)]),
       'annotation 4: bbox must be x, y, width, height, not')
      for box in ('x', 'abcd', None, [], [1, 1, 2], [1, 1, 2, 2, 0.5], [1, 1, 2, '2'], [1, 1, 2, None])),
    (coco(annotations=[dict(id=4, image_id=1, category_id=7, bbox=[1, 1, 2, 2], score=0.5),
                       dict(id=5, image_id=1, category_id=7, bbox=[1, 1, 2, 2])]), 'annotation 5: has no score, as others'),
    (coco(images=[dict(id=1, file_name='a'), dict(id=2, file_name='a')]), "two images have the file_name 'a'"),
    (coco(categories=[dict(id=[7], name='person')]), r'a category needs an id, not \[7\]'),
    (coco(annotations=[dict(id=4, image_id=1, category_id={}, bbox=[1, 1, 2, 2])]), 'annotation 4: category_id {} is of no'),
    (coco(categories=[dict(id=3, name='dog'), dict(id=7, name='cat')]), 'none of its 2 categories is called person')])
def test_other_layouts_are_named(read, content, message):
    with pytest.raises(DataError, match=r'boxes\.json: not a readable file of boxes \(.*' + message):
        read(content)

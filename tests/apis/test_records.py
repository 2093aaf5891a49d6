"""The record of a result: what is one, when it is whole, what has changed since."""
import json
from functools import reduce

import numpy as np
import pytest

from mmqanet.apis.records import EarlierResults, differences, is_parsing, is_whole, kept_kinds, listed_files, read_record
from mmqanet.functional.rle import encode_rle

RECORD = dict(version=1, name='x/a', files=dict(overlay=['x/a_overlay.jpg'], people=['people/x/a/1.png']),
              options=dict(input='sha256:1', flip=True))


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_record_is_read_and_lists_its_files(tmp_path):
    assert read_record(write(tmp_path / 'a.json', RECORD)) == RECORD
    assert listed_files(RECORD) == ['x/a_overlay.jpg', 'people/x/a/1.png']
    assert read_record(write(tmp_path / 'b.json', dict(version=1, name='b', files={}))) is not None


@pytest.mark.parametrize('content', [
    '', '{', '[]', '3', '[' * 100_000, {**RECORD, 'version': 2}, {**RECORD, 'name': 3}, {**RECORD, 'files': []},
    {**RECORD, 'options': []}, {**RECORD, 'files': dict(overlay='a.jpg')}, {**RECORD, 'files': dict(overlay=[3])},
    {key: value for key, value in RECORD.items() if key != 'files'}])
def test_what_is_something_else_is_no_record(tmp_path, content):
    assert read_record(write(tmp_path / 'a.json', content)) is None
    assert read_record(tmp_path / 'none.json') is None


PART = dict(label=1, name='hat', quality=0, pixel_score=1, area=2, rle=encode_rle(np.array([[1, 0, 1]], np.uint8)))
PERSON = dict(id=1, quality=0.5, scores=dict(box=1, iou=0.0, pixel=1.0), parts=[PART])
PARSING = dict(name='a', source='a.jpg', height=1, width=3, classes=['background', 'hat'], people=[PERSON])


def changed(value, *place):
    """A copy of PARSING with another value at a place; ``None`` takes the entry out."""
    record = json.loads(json.dumps(PARSING))
    *path, last = place
    inner = reduce(lambda node, key: node[key], path, record)
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return record


def test_what_summaries_read_is_a_parsing():
    assert is_parsing(PARSING)
    assert is_parsing(changed([], 'people'))
    assert is_parsing(changed(0.5, 'people', 0, 'expected_iou'))


@pytest.mark.parametrize('place', [
    (0, 'height'), (10**9, 'width'), ('3', 'width'), (None, 'classes'), ([1, 2], 'classes'), (3, 'name'), (None, 'source'),
    (3, 'people'), ([3], 'people'), ('1', 'people', 0, 'id'), ([], 'people', 0, 'parts'), (None, 'people', 0, 'quality'),
    (1.01, 'people', 0, 'quality'), (-0.01, 'people', 0, 'quality'), ('1', 'people', 0, 'quality'),
    (1.01, 'people', 0, 'scores', 'iou'), (None, 'people', 0, 'scores', 'box'), (2, 'people', 0, 'expected_iou'),
    *((value, 'people', 0, 'parts', 0, key) for key, value in (
        ('label', 0), ('label', 2), ('label', '1'), ('name', 3), ('quality', -1), ('pixel_score', 1.5), ('area', '2'),
        ('area', None), ('rle', {}), ('expected_iou', -0.5)))], ids=str)
def test_what_was_spoilt_is_no_parsing(place):
    assert not is_parsing(changed(*place))


def test_a_part_without_pixels_or_of_another_size_is_none():
    for mask in (np.zeros((1, 3), np.uint8), np.ones((3, 1), np.uint8)):
        assert not is_parsing(changed(encode_rle(mask), 'people', 0, 'parts', 0, 'rle'))


def test_a_record_is_whole_where_it_says_so_and_all_its_files_are_there(tmp_path):
    assert not is_whole(RECORD, tmp_path)
    write(tmp_path / 'x/a_overlay.jpg', '')
    assert not is_whole(RECORD, tmp_path)
    write(tmp_path / 'people/x/a/1.png', '')
    assert is_whole(RECORD, tmp_path)
    assert is_whole({**RECORD, 'complete': True}, tmp_path)
    assert not is_whole({**RECORD, 'complete': False}, tmp_path)


@pytest.mark.parametrize(('old', 'new', 'expected'), [
    (dict(a=1), dict(a=1), []), (dict(a=1, gone=2), dict(a=1), []), (dict(a=1), dict(a=2), ['a was 1, is 2']),
    (dict(), dict(a=2), ['a was not noted, is 2']), (dict(a=None), dict(a=2), ['a was not noted, is 2']),
    (dict(a='sha256:1'), dict(a='sha256:2'), ['a differs']), (dict(a=None), dict(a='sha256:2'), ['a differs']),
    (dict(input='sha256:1'), dict(input='sha256:2'), ['the input has changed']),
    (dict(a=dict(b=1, c=2)), dict(a=dict(b=1, c=3, d=4)), ['a.c was 2, is 3, a.d was not noted, is 4']),
    (dict(a=1, b=2), dict(a=3, b=4), ['a was 1, is 3', 'b was 2, is 4']), (dict(a=[1, 2]), dict(a=(1, 2)), [])])
def test_what_was_otherwise_is_told(old, new, expected):
    assert differences(dict(options=old), new) == expected


def test_files_of_other_kinds_are_kept_where_nothing_else_has_changed():
    options = RECORD['options']
    assert kept_kinds(RECORD, options, ['overlay']) == dict(people=['people/x/a/1.png'])
    assert kept_kinds(RECORD, options, ['palette']) == RECORD['files']
    assert kept_kinds(RECORD, {**options, 'flip': False}, ['overlay']) == kept_kinds(None, options, ['overlay']) == {}


def test_earlier_results_are_told_from_pictures(tmp_path):
    """Below ``out``, which lies below the folder that is looked through."""
    write(tmp_path / 'out/x/a.json', RECORD)
    write(tmp_path / 'out/v.jsonl', json.dumps(dict(version=1, frame=0)) + '\n')
    write(tmp_path / 'out/other.jsonl', json.dumps(dict(version=1, frame=1)) + '\n')
    write(tmp_path / 'out/moved/b.json', {**RECORD, 'name': 'else'})
    write(tmp_path / 'out/xa.json', {**RECORD, 'name': 'a', 'files': dict(overlay=['a_overlay.jpg'])})
    earlier = EarlierResults(tmp_path)
    for name in ('out/x/a.json', 'out/x/a_overlay.jpg', 'out/people/x/a/1.png', 'out/v.jsonl', 'out/v.mp4'):
        assert earlier.holds(tmp_path / name), name
    for name in ('out/x/a.jpg', 'out/people/x/a/2.png', 'x/a_overlay.jpg', 'out/other.jsonl', 'out/other.mp4', 'out/v.jpg',
                 'out/moved/b.json', 'out/xa.json', 'out/xa_overlay.jpg', 'out/b.png'):
        assert not earlier.holds(tmp_path / name), name

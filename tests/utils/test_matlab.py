"""MATLAB files are read, or named: none makes the reader wait."""
import io
import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from mmqanet.errors import DataError
from mmqanet.utils import matlab
from mmqanet.utils.matlab import read_mat

ANNOTATION = {'objects': [{'class': 'person', 'mask': np.eye(9, dtype=np.uint8), 'parts': np.array([1.5])}] * 2}


def saved(path, *, compressed=False):
    savemat(path, {'anno': ANNOTATION}, do_compression=compressed)
    return path


@pytest.mark.parametrize('compressed', [False, True])
def test_structures_are_read_packed_or_not(tmp_path, compressed):
    objects = read_mat(saved(tmp_path / 'a.mat', compressed=compressed), 'anno')['objects']
    assert [thing['class'] for thing in objects] == ['person'] * 2
    assert np.array_equal(objects[1]['mask'], np.eye(9))


@pytest.mark.parametrize('size', range(1, 10))
def test_names_and_values_of_any_length_are_read(tmp_path, size):
    values = np.arange(size, dtype=np.uint8)
    savemat(tmp_path / 'a.mat', {'n' * size: values, 'text': 't' * size})
    np.testing.assert_array_equal(read_mat(tmp_path / 'a.mat', 'n' * size), values)
    assert read_mat(tmp_path / 'a.mat', 'text') == 't' * size


@pytest.mark.parametrize('compressed', [False, True])
def test_more_entries_than_bytes_are_refused_at_once(tmp_path, compressed):
    """The two objects are said to be two milliards: scipy would make as many."""
    content = saved(tmp_path / 'a.mat').read_bytes()
    two = struct.pack('<iiii', 5, 8, 1, 2)  # the dimensions of the objects
    assert content.count(two) == 1
    content = content.replace(two, struct.pack('<iiii', 5, 8, 1, 2**31 - 1))
    if compressed:
        packed = zlib.compress(content[128:])
        content = content[:128] + struct.pack('<II', 15, len(packed)) + packed
    (tmp_path / 'a.mat').write_bytes(content)
    with pytest.raises(DataError, match=r'a\.mat: cannot be read .*1 x 2147483647 entries'):
        read_mat(tmp_path / 'a.mat', 'anno')


def test_a_file_that_unpacks_to_very_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, 'MOST_BYTES', 10_000)
    savemat(tmp_path / 'a.mat', {'anno': np.zeros(100_000)}, do_compression=True)
    with pytest.raises(DataError, match='unpacks to more than 10,000 bytes'):
        read_mat(tmp_path / 'a.mat', 'anno')


def test_damaged_files_are_read_or_named(tmp_path):
    buffer = io.BytesIO()
    savemat(buffer, {'anno': ANNOTATION})
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(400):
        content = bytearray(buffer.getvalue())
        for place in rng.integers(100, len(content), 3):
            content[place] = rng.integers(256)
        (tmp_path / 'a.mat').write_bytes(content)
        try:
            read_mat(tmp_path / 'a.mat', 'anno')
            outcomes.add('read')
        except DataError:
            outcomes.add('named')
    assert outcomes == {'read', 'named'}


def element(kind, content):
    return struct.pack('<II', kind, len(content)) + content + bytes(-len(content) % 8)


def array(klass, *rest, sides=(1, 1), name=b'a'):
    parts = element(matlab.UINT32, struct.pack('<II', klass, 0)), element(matlab.INT32, struct.pack('<2i', *sides))
    return memoryview(b''.join([*parts, element(matlab.INT8, name), *rest]))


FIELDS = element(matlab.INT32, struct.pack('<i', 4)), element(matlab.INT8, b'x\0\0\0y\0\0\0')
VALUE = element(matlab.MATRIX, array(6, element(9, struct.pack('<d', 1.5))))


@pytest.mark.parametrize('whole', [array(matlab.STRUCTURE, *FIELDS, VALUE, VALUE), array(matlab.CELL, VALUE),
                                   array(matlab.CELL, VALUE, VALUE, VALUE, sides=(3, 1)),
                                   array(matlab.CHARACTERS, element(matlab.INT8 + 15, b't'))])
def test_whole_arrays_pass(whole):
    matlab._check_array(whole, '<')


@pytest.mark.parametrize('broken', [
    *(array(matlab.STRUCTURE, *FIELDS, *[VALUE] * number) for number in (0, 1, 3)), array(matlab.STRUCTURE),
    array(matlab.STRUCTURE, *FIELDS[::-1], VALUE, VALUE), array(matlab.CELL), array(matlab.CELL, VALUE, VALUE),
    array(matlab.CELL, *FIELDS), array(6), array(6, VALUE), array(6, element(9, bytes(8)), element(9, bytes(8))),
    array(matlab.CHARACTERS), array(matlab.CHARACTERS, VALUE)])
def test_arrays_of_other_parts_are_not_whole(broken):
    with pytest.raises((ValueError, struct.error)) as caught:
        matlab._check_array(broken, '<')
    assert str(caught.value) in ('an array that is not whole', 'a structure whose names have no length')

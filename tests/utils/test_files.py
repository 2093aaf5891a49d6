"""Files: label maps and tables come back as written, and whatever is wrong with one is named."""
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import (
    check_overwrites,
    check_shape,
    read_bytes,
    read_json,
    read_label_map,
    read_rows,
    remove_file,
    whole_number,
    write_bytes,
    write_label_map,
)


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format='PNG')
    return buffer.getvalue()


@pytest.mark.parametrize(('largest', 'bits'), [(255, 8), (256, 16), (65535, 16)])
def test_label_maps_come_back(tmp_path, largest, bits):
    labels = np.arange(12).reshape(3, 4)
    labels[1, 2] = largest
    path = tmp_path / 'sub' / 'map.png'
    write_label_map(path, labels)
    assert (read_label_map(path) == labels).all()
    assert path.read_bytes()[24] == bits  # the bit depth in a PNG's header
    assert [child.name for child in path.parent.iterdir()] == ['map.png']


def test_every_flipped_bit_is_seen(tmp_path):
    write_label_map(tmp_path / 'map.png', np.random.default_rng(0).integers(0, 20, (40, 50)))
    whole = (tmp_path / 'map.png').read_bytes()
    start = whole.index(b'IDAT') + 4
    for position in range(start, start + 200, 5):
        (tmp_path / 'map.png').write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1:])
        with pytest.raises(DataError, match=r'map\.png: not readable as a label map'):
            read_label_map(tmp_path / 'map.png')


@pytest.mark.parametrize('colour_type', [0, 3], ids=['grey', 'palette'])
@pytest.mark.parametrize('bits', [1, 2, 4, 8])
def test_maps_of_few_bits_keep_their_labels(tmp_path, bits, colour_type):
    """Written by hand, since Pillow writes grey pictures with 8 bits only: one row of labels, most significant first."""
    labels = list(range(2**bits)) * 4
    packed = sum(label << bits * (len(labels) - 1 - i) for i, label in enumerate(labels))
    row = b'\x00' + packed.to_bytes(bits * len(labels) // 8, 'big')

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = struct.pack('>IIBBBBB', len(labels), 1, bits, colour_type, 0, 0, 0)
    palette = chunk(b'PLTE', bytes(3 * 2**bits)) if colour_type else b''
    content = b''.join([b'\x89PNG\r\n\x1a\n', chunk(b'IHDR', header), palette, chunk(b'IDAT', zlib.compress(row)),
                        chunk(b'IEND', b'')])
    (tmp_path / 'map.png').write_bytes(content)
    assert read_label_map(tmp_path / 'map.png').tolist() == [labels]


def test_palette_pictures_are_read_as_indices(tmp_path):
    picture = Image.fromarray(np.array([[0, 3], [7, 255]], np.uint8))
    picture.putpalette(bytes(range(256)) * 3)
    picture.save(tmp_path / 'map.png')
    assert read_label_map(tmp_path / 'map.png').tolist() == [[0, 3], [7, 255]]


@pytest.mark.parametrize('content', [b'', b'hello', png(np.ones((9, 9), np.uint8))[:40]])
def test_a_broken_label_map_is_named(tmp_path, content):
    (tmp_path / 'map.png').write_bytes(content)
    with pytest.raises(DataError, match=r'map\.png: not readable as a label map \([^<>]+\)$'):  # no object's address
        read_label_map(tmp_path / 'map.png')


def test_a_coloured_label_map_is_named(tmp_path):
    (tmp_path / 'map.png').write_bytes(png(np.ones((9, 9, 3), np.uint8)))
    with pytest.raises(DataError, match=r'map\.png: a label map has one integer channel'):
        read_label_map(tmp_path / 'map.png')


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(DataError, match=r'none\.png: no such file'):
        read_label_map(tmp_path / 'none.png')
    with pytest.raises(DataError, match=str(tmp_path)):
        read_bytes(tmp_path)


@pytest.mark.parametrize(('error', 'reason'), [
    (PermissionError(13, 'Permission denied'), 'Permission denied'),
    (OSError(5, 'Input/output error'), 'Input/output error'),
    (MemoryError(), 'not enough memory to read this file')])
def test_a_file_that_is_there_and_cannot_be_read_is_named(tmp_path, monkeypatch, error, reason):
    def fail(self):
        raise error

    path = tmp_path / 'a.json'
    path.write_text('{}')
    monkeypatch.setattr(Path, 'read_bytes', fail)
    with pytest.raises(DataError, match=rf'^{path}: {reason}$'):
        read_bytes(path)


def test_what_cannot_be_removed_is_named(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').write_text('')
    for _ in range(2):
        remove_file(tmp_path / 'b')
    assert [path.name for path in tmp_path.iterdir()] == ['a']
    with pytest.raises(DataError, match=rf'^{tmp_path}/a: cannot be removed \(.+\)$'):
        remove_file(tmp_path / 'a')


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / 'file'
    write_bytes(path, b'old')
    with pytest.raises(TypeError):
        write_bytes(path, 'text is not bytes')
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_rows_are_read_and_checked(tmp_path):
    path = tmp_path / 'table.txt'
    path.write_text('1 0.5\n2 0.25\n\n')
    assert read_rows(path, (int, float), 'id score') == [(1, 0.5), (2, 0.25)]
    assert read_rows(tmp_path / 'none.txt', (int,), 'id', may_be_absent=True) == []
    for broken, message in (('1 0.5 7', 'is not "id score"'), ('1', 'is not'), ('a 1', 'is not'), ('1 nan', 'NaN'),
                            ('9' * 400 + ' 1', 'is not'), ('9' * 30 + ' 1', 'beyond')):
        path.write_text(f'1 0.5\n{broken}')
        with pytest.raises(DataError, match=rf'table\.txt:2: .*{message}'):
            read_rows(path, (int, float), 'id score')
    with pytest.raises(DataError, match=r'none\.txt: no such file'):
        read_rows(tmp_path / 'none.txt', (int,), 'id')
    path.write_text(f'{2**62 - 1}\n-5')
    assert read_rows(path, (int,), 'id') == [(2**62 - 1,), (-5,)]
    for number in (2**62, -2**62):
        path.write_text(str(number))
        with pytest.raises(DataError, match=r'table\.txt:1: .*beyond'):
            read_rows(path, (int,), 'id')


def test_a_file_of_more_than_a_gibibyte_is_not_read(tmp_path):
    path = tmp_path / 'sparse'
    path.touch()
    os.truncate(path, 2**30 + 1)
    with pytest.raises(DataError, match=r'sparse: 1,073,741,825 bytes, and files of more than 1,073,741,824 are not read'):
        read_bytes(path)
    path.write_bytes(b'123456')
    assert read_bytes(path, limit=6) == read_bytes(path, limit=None) == b'123456'
    with pytest.raises(DataError, match='sparse: 6 bytes, and files of more than 5 are not read'):
        read_bytes(path, limit=5)


def test_sizes_are_compared_as_width_x_height():
    with pytest.raises(DataError, match='some: the map is 5x4, expected 6x4'):
        check_shape(np.zeros((4, 5)), (4, 6), 'some')


def test_whole_numbers_may_be_written_as_floats():
    assert [whole_number(word) for word in ('7', '7.0', '7.000e+00')] == [7, 7, 7]
    for word in ('7.5', 'x', 'nan'):
        with pytest.raises(ValueError, match=r'.'):
            whole_number(word)


def test_an_output_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    for path in (tmp_path / 'file' / 'below', tmp_path):
        with pytest.raises(DataError, match=f'{path}: cannot be written'):
            write_bytes(path, b'')


def test_json_is_read_with_or_without_a_byte_order_mark(tmp_path):
    for name, content in (('plain', b'{"a": [1]}'), ('marked', b'\xef\xbb\xbf{"a": [1]}')):
        (tmp_path / name).write_bytes(content)
        assert read_json(tmp_path / name, expected=dict) == dict(a=[1])


@pytest.mark.parametrize(('content', 'expected', 'message'), [
    (b'{"a": ', None, 'not readable as JSON'), (b'\xff\xfe', None, 'not readable as JSON'),
    (b'[' * 100_000, None, 'not readable as JSON'), (b'[1]', dict, 'an object is expected, this JSON holds a list'),
    (b'{}', list, 'a list is expected, this JSON holds an object'),
    (b'3', list, 'a list is expected, this JSON holds another value')])
def test_what_is_no_such_json_is_named(tmp_path, content, expected, message):
    path = tmp_path / 'content.json'
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf'content\.json: {message}'):
        read_json(path, expected=expected)
    with pytest.raises(DataError, match=r'none\.json: no such file'):
        read_json(tmp_path / 'none.json')


def test_files_given_are_known_under_every_name(tmp_path):
    given = tmp_path / 'given.pth'
    given.write_bytes(b'mine')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'link').symlink_to(given)
    os.link(given, tmp_path / 'twin')
    for output in (given, tmp_path / 'link', tmp_path / 'twin', tmp_path / 'folder/../given.pth'):
        with pytest.raises(InputError, match=r'the output would overwrite .*, which was given'):
            check_overwrites(output, [None, tmp_path / 'absent', given])
    with pytest.raises(InputError, match='which was given'):
        check_overwrites(tmp_path / 'folder/../new', [given, tmp_path / 'new'])  # which somebody else makes
    check_overwrites(tmp_path / 'new', [given, None, 'no\0name'])
    check_overwrites(tmp_path / 'folder', [given])

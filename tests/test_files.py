"""Files: label maps and tables come back as written, and whatever is wrong with one is named."""
import io

import numpy as np
import pytest
from PIL import Image

from mmqanet.errors import DataError
from mmqanet.files import check_shape, read_bytes, read_label_map, read_rows, write_bytes, write_label_map


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


def test_palette_pictures_are_read_as_indices(tmp_path):
    picture = Image.fromarray(np.array([[0, 3], [7, 255]], np.uint8))
    picture.putpalette(bytes(range(256)) * 3)
    picture.save(tmp_path / 'map.png')
    assert read_label_map(tmp_path / 'map.png').tolist() == [[0, 3], [7, 255]]


@pytest.mark.parametrize('content', [b'', b'hello', png(np.ones((9, 9), np.uint8))[:40]])
def test_a_broken_label_map_is_named(tmp_path, content):
    (tmp_path / 'map.png').write_bytes(content)
    with pytest.raises(DataError, match=r'map\.png: not readable as a label map'):
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
    for broken, message in (('1 0.5 7', 'is not "id score"'), ('1', 'is not'), ('a 1', 'is not'), ('1 nan', 'NaN')):
        path.write_text(f'1 0.5\n{broken}')
        with pytest.raises(DataError, match=rf'table\.txt:2: .*{message}'):
            read_rows(path, (int, float), 'id score')


def test_sizes_are_compared_as_width_x_height():
    with pytest.raises(DataError, match='some: the map is 5x4, expected 6x4'):
        check_shape(np.zeros((4, 5)), (4, 6), 'some')

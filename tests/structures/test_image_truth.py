"""Annotations as they lie in the files of the prepared layout."""
import numpy as np
import pytest

from mmqanet.errors import DataError
from mmqanet.structures.image_truth import read_truth
from mmqanet.utils.files import write_label_map

CATEGORY = np.array([[0, 1, 1, 2], [255, 1, 3, 4]])
HUMAN = np.array([[0, 1, 1, 1], [0, 1, 2, 2]])
IDS = np.array([[0, 5, 5, 7], [0, 5, 300, 9]])
TABLE = '5 1 1\n7 2 1\n300 3 2\n9 4 2\n'


@pytest.fixture
def files(tmp_path):
    for name, labels in (('category', CATEGORY), ('human', HUMAN), ('parts', IDS)):
        write_label_map(tmp_path / f'{name}.png', labels)
    (tmp_path / 'parts.txt').write_text(TABLE)
    return tmp_path


def read(files, **options):
    return read_truth(files / 'category.png', files / 'human.png', files / 'parts.png', **options)


def test_what_is_written_is_read(files):
    truth = read(files, num_classes=5)
    assert truth.category.tolist() == CATEGORY.tolist()
    assert truth.human.tolist() == HUMAN.tolist()
    assert truth.part.tolist() == IDS.tolist()
    assert truth.parts.tolist() == [[5, 1, 1], [7, 2, 1], [300, 3, 2], [9, 4, 2]]
    alone = read_truth(files / 'category.png', num_classes=5)
    assert (alone.human, alone.part, alone.parts) == (None, None, None)


def test_nothing_is_compared_with_partial_labels(files):
    truth = read(files, num_classes=3, num_partial_labels=2)
    assert truth.category.tolist() == [[0, 1, 1, 2], [255, 1, 255, 255]]
    assert truth.part.tolist() == [[0, 5, 5, 7], [0, 5, 0, 0]]
    assert truth.parts.tolist() == [[5, 1, 1], [7, 2, 1]]
    assert truth.human.tolist() == HUMAN.tolist()


def test_labels_are_replaced_and_parts_without_a_class_are_gone(files):
    labels = np.full(256, 255, np.uint8)
    labels[:4] = 0, 2, 0, 1
    truth = read(files, num_classes=5).relabelled(labels)
    assert truth.category.tolist() == [[0, 2, 2, 0], [255, 2, 1, 255]]
    assert truth.part.tolist() == [[0, 5, 5, 0], [0, 5, 300, 0]]
    assert truth.parts.tolist() == [[5, 2, 1], [300, 1, 2]]
    assert truth.human.tolist() == HUMAN.tolist()
    alone = read_truth(files / 'category.png', num_classes=5).relabelled(labels)
    assert alone.category.tolist() == truth.category.tolist()
    assert (alone.human, alone.part, alone.parts) == (None, None, None)


@pytest.mark.parametrize(('table', 'message'), [
    (TABLE.replace('7 2 1', '7 5 1'), r'parts.txt:2: class 5 is outside \[1, 5\)'),
    (TABLE.replace('7 2 1', '7 0 1'), r'parts.txt:2: class 0 is outside \[1, 5\)'),
    (TABLE.replace('7 2 1', '5 2 1'), 'parts.txt:2: part id 5 is listed twice'),
    (TABLE.replace('7 2 1', '0 2 1'), 'parts.txt:2: part id 0 is not positive'),
    (TABLE.replace('7 2 1\n', ''), 'parts.txt: no line for id 7'),
    (TABLE + '8 1 1\n', 'parts.txt: a line for id 8, which has no pixel'),
    (TABLE + '8 1', 'parts.txt:5: .* is not "instance_part_id class_id human_id"')])
def test_tables_that_do_not_fit_are_named(files, table, message):
    (files / 'parts.txt').write_text(table)
    with pytest.raises(DataError, match=message):
        read(files, num_classes=5)


def test_maps_that_do_not_fit_are_named(files):
    with pytest.raises(DataError, match=r'category.png: label 4 is out of range for 4 classes'):
        read(files, num_classes=4)
    with pytest.raises(DataError, match=r'category\.png'):
        read(files, num_classes=5, shape=(4, 2))
    write_label_map(files / 'human.png', HUMAN[:1])
    with pytest.raises(DataError, match=r'human\.png'):
        read(files, num_classes=5)

"""What labels mean, and which label sets are refused."""
import numpy as np
import pytest

from mmqanet.datasets import CIHPDataset
from mmqanet.errors import InputError
from mmqanet.structures import LabelSet

LABELS = LabelSet(['background', 'left-arm', 'right-arm', 'hat'], [[0, 0, 0], [1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 2]])


def test_lists_of_a_json_are_the_same_as_tuples():
    assert LabelSet(('background', 'left-arm', 'right-arm', 'hat'), ((0, 0, 0), (1, 2, 3), (4, 5, 6), (7, 8, 9)),
                              ((1, 2),)) == LABELS
    assert hash(LABELS) is not None


def test_names_colours_and_mirror():
    assert [LABELS.name(label) for label in (0, 3, 4, 255)] == ['background', 'hat', '4', '255']
    assert LABELS.mirrored == (0, 2, 1, 3)
    table = LABELS.colour_table((128, 128, 128))
    assert (table.shape, table.dtype) == ((256, 3), np.uint8)
    assert table[:4].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert (table[4:] == 128).all()


def test_the_meta_of_a_data_set_is_read():
    labels = LabelSet.of(CIHPDataset.METAINFO)
    assert (len(labels), labels.name(14), labels.mirrored[14]) == (20, 'left-arm', 15)
    assert LabelSet.of(dict(classes=('background', 'a'), palette=((0, 0, 0), (1, 1, 1)))).flip_pairs == ()


@pytest.mark.parametrize(('changes', 'told'), [
    (dict(classes='person'), r"classes is the string 'person'; a sequence of one is \('person',\)"),
    (dict(palette='red'), "palette is the string 'red'"),
    (dict(palette=[[0, 0, 0]]), '2 classes, two at least and background first, with a palette of 1 colour'),
    (dict(classes=['background'], palette=[[0, 0, 0]]), '1 class, two at least and background first'),
    (dict(flip_pairs=[[1, 2]]), r'flip_pairs \[\(1, 2\)\] leave the 2 classes'),
    (dict(flip_pairs=[[0, 1]]), r'flip_pairs \[\(0, 1\)\] leave the 2 classes'),
    (dict(palette=[0, 0]), 'palette: each row must hold 3 whole numbers'),
    (dict(palette=[[0, 0], [1, 1]]), 'palette: each row must hold 3 whole numbers'),
    (dict(flip_pairs=[['left', 'right']]), 'flip_pairs: each row must hold 2 whole numbers'),
    (dict(classes=None), 'classes: none are named'), (dict(palette=None), 'palette: none are named')])
def test_what_does_not_fit_is_refused(changes, told):
    meta = dict(classes=['background', 'a'], palette=[[0, 0, 0], [1, 1, 1]]) | changes
    with pytest.raises(InputError, match=told):
        LabelSet.of({key: value for key, value in meta.items() if value is not None})

import pytest

from mmqanet.datasets import ATRDataset, CCPMergedDataset, CCPSidesDataset
from mmqanet.datasets.class_sets import CLASS_SETS, find_class_set
from mmqanet.errors import InputError
from mmqanet.functional.class_merging import check_merge_table

CLASSES = CCPSidesDataset.METAINFO['classes']


def merged(name: str) -> dict:
    """Class of the network: merged class."""
    class_set = find_class_set(CLASSES, name)
    names = class_set.dataset.METAINFO['classes']
    return {own: names[target] if target >= 0 else None for own, target in zip(CLASSES, class_set.table)}


def test_sixteen_classes_without_sides():
    changed = {own: target for own, target in merged('merged16').items() if own != target}
    assert changed == {
        'left-shoe': 'shoes', 'right-shoe': 'shoes', 'face': 'skin', 'torso-skin': 'skin', 'left-arm': 'skin',
        'right-arm': 'skin', 'left-leg': 'skin', 'right-leg': 'skin'}
    assert find_class_set(CLASSES, 'merged16').dataset is CCPMergedDataset


def test_the_eighteen_of_atr():
    table = merged('atr')
    assert find_class_set(CLASSES, 'atr').dataset is ATRDataset
    assert set(ATRDataset.METAINFO['classes']) == set(table.values()) - {None}
    assert table['top'] == table['outerwear'] == 'upper-clothes'
    assert table['shorts'] == 'pants'
    assert table['accessories'] is None
    assert table['left-leg'] == 'left-leg'


@pytest.mark.parametrize('name', ['merged16', 'atr'])
def test_every_table_fits_its_data_set(name):
    class_set = CLASS_SETS[CLASSES][name]
    check_merge_table(class_set.table, num_classes=len(CLASSES))
    assert max(class_set.table) + 1 == len(class_set.dataset.METAINFO['classes'])
    pairs = {(class_set.table[left], class_set.table[right]) for left, right in CCPSidesDataset.METAINFO['flip_pairs']}
    assert {pair for pair in pairs if pair[0] != pair[1]} == set(class_set.dataset.METAINFO['flip_pairs'])


def test_names_and_models_that_have_none():
    with pytest.raises(InputError, match="classes is 'lip', but this model of 23 classes knows full, merged16, atr"):
        find_class_set(CLASSES, 'lip')
    with pytest.raises(InputError, match='this model of 3 classes knows full'):
        find_class_set(('background', 'hair', 'skin'), 'atr')

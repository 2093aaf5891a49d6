"""What a checkpoint says of its classes: what may be said, and what is refused by name."""
import pytest

from mmqanet.checkpoints.stored_meta import read_stored_meta
from mmqanet.errors import DataError


def test_what_mmengine_stores_comes_back_in_tuples():
    stored = dict(classes=['a', 'b'], palette=[[0, 0, 0], [255, 1, 2]], flip_pairs=[[0, 1]])
    found = read_stored_meta(dict(meta=dict(dataset_meta=stored, default_classes='merged16', crop_sampler='align')), 'x.pth')
    assert found['dataset_meta'] == dict(classes=('a', 'b'), palette=((0, 0, 0), (255, 1, 2)), flip_pairs=((0, 1),))
    assert (found['default_classes'], found['crop_sampler']) == ('merged16', 'align')
    assert read_stored_meta({}, 'x.pth')['dataset_meta'] == read_stored_meta(dict(meta=None), 'x.pth')['dataset_meta'] == {}
    longest = dict(dataset_meta=dict(classes=['c' * 100]), default_classes='d' * 100)
    assert read_stored_meta(dict(meta=longest), 'x.pth')['dataset_meta'] == dict(classes=('c' * 100,))


@pytest.mark.parametrize(('meta', 'named'), [
    ([], 'meta'), (dict(dataset_meta=3), 'meta.dataset_meta'), (dict(CLASSES=['a', 3]), 'meta.CLASSES'),
    *((dict(dataset_meta=dict(classes=classes)), 'meta.dataset_meta.classes')
      for classes in ('ab', [''], ['a', 'b\n'], ['c' * 101], [None])),
    *((dict(dataset_meta=dict(palette=palette)), 'meta.dataset_meta.palette')
      for palette in ([[0, 0, -1]], [[0, 0, 256]], [[0, 0]], [[0, 0, 0, 0]], [[0, 0, 1.5]], [0], 'abc')),
    *((dict(dataset_meta=dict(flip_pairs=pairs)), 'meta.dataset_meta.flip_pairs')
      for pairs in ([[0, -1]], [[0, 256]], [[0]], [[0, 1, 2]], [['0', '1']])),
    *((dict(crop_sampler=crop), 'meta.crop_sampler') for crop in ('auto', 3, ['align'])),
    *((dict(default_classes=name), 'meta.default_classes') for name in (3, 'a\n', 'c' * 101))])
def test_what_is_of_another_form_is_named(meta, named):
    with pytest.raises(DataError, match=rf'x\.pth: its {named.replace(".", chr(92) + ".")} '):
        read_stored_meta(dict(meta=meta or ['?']), 'x.pth')

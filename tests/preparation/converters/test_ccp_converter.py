import json

import numpy as np
import pytest
from macos import add_companions
from PIL import Image
from scipy.io import savemat

from mmqanet.datasets.ccp import (
    CCP_CLASSES,
    CCP_MERGE,
    CCP_MERGED_CLASSES,
    CCP_MERGED_IDS,
    CCPDataset,
)
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.base import convert as convert_archive
from mmqanet.preparation.converters.base import draw_names
from mmqanet.preparation.converters.ccp import CCPConverter, check_tags, find_fault, load_photo, photo_names


def tag(name):
    return CCP_CLASSES.index(name)


def convert(tree, target, *, workers=0, **options):
    converter = CCPConverter(source=tree.root, **{'val': 2, **options})
    return convert_archive(converter, target, workers=workers, show_progress=False)


def test_every_tag_is_merged_once():
    tags = [name for group in CCP_MERGE.values() for name in group]
    assert sorted(tags) == sorted(CCP_CLASSES[1:])
    assert len(CCP_MERGED_CLASSES) == 17
    assert CCP_MERGED_IDS[0] == 0
    for name in CCP_CLASSES[1:]:
        assert name in CCP_MERGE[CCP_MERGED_CLASSES[CCP_MERGED_IDS[tag(name)]]]


@pytest.mark.parametrize(('labels', 'shirt', 'shoes'), [('full', 38, 39), ('merged', 4, 11)])
def test_a_converted_photo(ccp_tree, tmp_path, person_tags, labels, shirt, shoes):
    train, val = convert(ccp_tree, tmp_path / 'CCP', labels=labels)
    assert (len(train.done), len(val.done)) == (6, 2)
    name = train.done[0].name
    folder = tmp_path / 'CCP/Training'
    category = np.array(Image.open(folder / f'Category_ids/{name}.png'))
    assert (category[person_tags == tag('shirt')] == shirt).all()
    assert (category[person_tags == tag('shoes')] == shoes).all()
    assert ((category == 0) == (person_tags == 0)).all()
    assert (np.array(Image.open(folder / f'Human_ids/{name}.png')) == (person_tags > 0)).all()
    assert (np.array(Image.open(folder / f'Instance_ids/{name}.png')) == category).all()  # one person: id = class
    lines = (folder / f'Instance_ids/{name}.txt').read_text().splitlines()
    assert lines == [f'{c} {c} 1' for c in np.unique(category) if c]
    assert (folder / f'Images/{name}.jpg').read_bytes() == ccp_tree.photo(name).read_bytes()
    content = json.loads((tmp_path / 'CCP/annotations/CCP_train.json').read_text())
    assert content['images'][0] == dict(id=1, file_name=f'{name}.jpg', height=120, width=60)
    assert content['annotations'][0]['bbox'] == [18, 10, 40, 100]
    assert content['annotations'][0]['area'] == (person_tags > 0).sum()


def test_the_dataset_reads_what_the_converter_writes(ccp_tree, tmp_path):
    convert(ccp_tree, tmp_path / 'CCP', labels='full')
    root = tmp_path / 'CCP/Validation'
    dataset = CCPDataset(
        ann_file=str(tmp_path / 'CCP/annotations/CCP_val.json'),
        data_prefix=dict(img=str(root / 'Images'), category=str(root / 'Category_ids'), human=str(root / 'Human_ids')))
    assert len(dataset) == 2


def test_what_macos_leaves_beside_files_is_no_photo(ccp_tree):
    names = photo_names(ccp_tree.root)
    add_companions(ccp_tree.root)
    assert photo_names(ccp_tree.root) == names == [f'{number:04}' for number in range(1, 9)]


def test_the_split_is_fixed_and_stays_when_a_photo_comes(tmp_path):
    names = [f'{i:04}' for i in range(1, 901)]
    train, val = draw_names(names, 100, seed=0)
    assert (len(train), len(val)) == (800, 100)
    assert sorted(train + val) == names
    assert draw_names(names[::-1], 100, seed=0) == (train, val)
    assert draw_names(names, 100, seed=1)[1] != val
    assert val[:5] == ['0002', '0019', '0021', '0023', '0025']
    grown = draw_names([*names, '1000'], 100, seed=0)[1]
    assert len(set(grown) ^ set(val)) <= 2


@pytest.mark.parametrize('val', [-1, 8])
def test_a_split_needs_training_photos(ccp_tree, tmp_path, val):
    with pytest.raises(InputError, match='val must be in'):
        convert(ccp_tree, tmp_path / 'CCP', val=val)


def two_people(tags):
    tags[:, :5] = 0
    tags[12:24, 2:6] = tag('hair')
    return tags


def parted_hair(tags):
    """Two strands, the face between them."""
    tags[10:16], tags[16:30, 20:25], tags[16:30, 35:40] = 0, tag('hair'), tag('hair')
    return tags


def fill(tags, name, rows, columns):
    tags[rows[0]:rows[1], columns[0]:columns[1]] = tag(name)
    return tags


FAULTS = {
    'size': lambda tags: tags[:-1],
    'empty': lambda tags: np.where(tags == tag('shoes'), tags, 0),
    'no head': lambda tags: np.where(np.isin(tags, [tag('hair'), tag('skin')]), 0, tags),
    'in pieces': lambda tags: fill(tags, 'background', (88, 92), (0, 60)),
    'two people': two_people,
    'wrong tags': lambda tags: fill(tags, 'skirt', (17, 25), (25, 35)),
}


@pytest.mark.parametrize('rule', FAULTS)
def test_a_rule_catches_its_fault(person_tags, rule):
    assert find_fault(person_tags, (120, 60)) is None
    assert find_fault(FAULTS[rule](person_tags.copy()), (120, 60)) == rule


def test_denim_on_the_shoulders_is_a_wrong_tag_though_the_legs_share_it(person_tags):
    tags = fill(fill(person_tags, 'jeans', (25, 55), (18, 42)), 'jeans', (58, 100), (20, 40))
    assert find_fault(tags, (120, 60)) == 'wrong tags'


@pytest.mark.parametrize('change', [
    lambda tags: fill(tags, 'pants', (40, 55), (18, 42)),  # a high waist
    parted_hair,
    lambda tags: fill(tags, 'jacket', (10, 18), (24, 36)),  # a hood
    lambda tags: fill(fill(tags, 'skin', (10, 16), (24, 34)), 'hair', (110, 113), (50, 52)),  # a stray scrap of hair
    lambda tags: fill(tags, 'bag', (60, 100), (44, 58)),  # a large bag lies apart
])
def test_unusual_but_sound_annotations_are_kept(person_tags, change):
    assert find_fault(change(person_tags), (120, 60)) is None


def test_unusable_photos_are_left_out_of_their_split_and_named(ccp_tree, tmp_path, person_tags):
    ccp_tree.add('0003', person_tags * 0)
    ccp_tree.add('0161')  # rejected by eye
    train, val = convert(ccp_tree, tmp_path / 'CCP')
    lines = '\n'.join(train.lines() + val.lines())
    assert 'unusable, empty: 1 (0003)' in lines
    assert 'unusable, by eye: 1 (0161)' in lines
    assert len(train.done) + len(val.done) == 7
    assert not train.failed
    assert not val.failed


def test_broken_files_are_named_and_the_rest_converted(ccp_tree, tmp_path, person_tags):
    ccp_tree.photo('0001').unlink()
    ccp_tree.photo('0002').write_bytes(ccp_tree.photo('0002').read_bytes()[:-500])
    ccp_tree.annotation('0003').write_bytes(b'not a MATLAB file')
    savemat(ccp_tree.annotation('0004'), {'labels': person_tags})
    savemat(ccp_tree.annotation('0005'), {'groundtruth': person_tags + 40})
    train, val = convert(ccp_tree, tmp_path / 'CCP', workers=2)
    failed = {outcome.name: outcome.error for outcome in train.failed + val.failed}
    assert sorted(failed) == ['0001', '0002', '0003', '0004', '0005']
    assert '0001.jpg: no such file' in failed['0001']
    assert '0002.jpg: the image cannot be read' in failed['0002']
    assert '0003.mat: cannot be read' in failed['0003']
    assert 'groundtruth' in failed['0004']
    assert 'integers in [0, 58]' in failed['0005']
    assert sorted(outcome.name for outcome in train.done + val.done) == ['0006', '0007', '0008']


@pytest.mark.parametrize('value', [3, 3.5, 'x', {'a': 1}, [], np.zeros(0), np.zeros((2, 3, 4)), {'a': {'b': np.eye(2)}}])
def test_another_kind_of_value_is_named(ccp_tree, tmp_path, value):
    savemat(ccp_tree.annotation('0005'), {'groundtruth': value})
    reports = convert(ccp_tree, tmp_path / 'CCP')
    failed, = (outcome for report in reports for outcome in report.failed)
    assert failed.name == '0005'
    assert '0005.mat: ' in failed.error
    savemat(ccp_tree.root / 'label_list.mat', {'label_list': value})
    with pytest.raises(DataError, match=r'label_list\.mat: '):
        convert(ccp_tree, tmp_path / 'CCP')


def test_another_source_is_refused(ccp_tree, tmp_path):
    with pytest.raises(DataError, match=r'label_list\.mat: no such file'):
        convert_archive(CCPConverter(source=tmp_path / 'nowhere'), tmp_path / 'CCP')
    cells = np.empty((1, 2), object)
    cells[0] = ['null', 'hat']
    savemat(ccp_tree.root / 'label_list.mat', {'label_list': cells})
    with pytest.raises(DataError, match='not the 59 tags of CCP'):
        convert(ccp_tree, tmp_path / 'CCP')


def test_one_folder_holds_one_label_set(ccp_tree, tmp_path):
    convert(ccp_tree, tmp_path / 'CCP', labels='full')
    with pytest.raises(DataError, match=r"labels 'full', not 'merged': give another folder"):
        convert(ccp_tree, tmp_path / 'CCP', labels='merged')
    with pytest.raises(InputError, match='labels must be one of'):
        convert(ccp_tree, tmp_path / 'CCP', labels='some')


def test_the_real_photos(shared_dir):
    root = shared_dir / 'ccp'
    check_tags(root / 'label_list.mat')
    sample = load_photo('0002', root=root, labels='merged')
    assert sample.category.shape == sample.human.shape
    assert set(np.unique(sample.category)) <= set(range(17))
    for name in ('0161', '0480', '0536', '0591', '0868', '0940'):
        with pytest.raises(DataError, match=r'by eye|wrong tags|empty|no head|in pieces|two people'):
            load_photo(name, root=root, labels='merged')

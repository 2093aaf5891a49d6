"""PASCAL-Person-Part: the six-part merge out of MATLAB structures."""
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmqanet.datasets import PascalPersonPartDataset
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.pascal_person_part import PARTS, PascalPersonPartConverter, merge_parts

CLASSES = PascalPersonPartDataset.METAINFO['classes']


@pytest.fixture
def pascal(make_archive):
    return make_archive('PASCAL-Person-Part')


@pytest.fixture
def run(pascal, tmp_path):
    return lambda: convert(pascal.converter(), tmp_path / 'out', show_progress=False)[0]


def block(rows, columns):
    mask = np.zeros((24, 32), np.uint8)
    mask[rows, columns] = 1
    return mask


def person(mask, **parts):
    """A person as it comes out of the MATLAB file."""
    entries = [{'part_name': name, 'mask': pixels} for name, pixels in parts.items()]
    return {'class': 'person', 'mask': mask, 'parts': entries[0] if len(entries) == 1 else entries}


BODY, LEFT, RIGHT = block(slice(2, 20), slice(2, 20)), block(slice(2, 9), slice(2, 9)), block(slice(2, 9), slice(12, 19))


#: The names of PASCAL-Part, those of l and r without it.
MERGED = {
    'head': (['head', 'hair', 'nose', 'mouth', 'neck'], ['eye', 'ear', 'ebrow']), 'torso': (['torso'], []),
    'upper-arms': ([], ['uarm']), 'lower-arms': ([], ['larm', 'hand']), 'upper-legs': ([], ['uleg']),
    'lower-legs': ([], ['lleg', 'foot'])}


def test_the_merge_covers_the_24_parts_once():
    expected = {title: {*alone, *(side + name for side in 'lr' for name in pairs)}
                for title, (alone, pairs) in MERGED.items()}
    assert {title: set(names) for title, names in PARTS.items()} == expected
    assert sum(len(names) for names in PARTS.values()) == sum(map(len, expected.values())) == 24
    assert tuple(PARTS) == CLASSES[1:] == ('head', 'torso', 'upper-arms', 'lower-arms', 'upper-legs', 'lower-legs')


@pytest.mark.parametrize(('left', 'right', 'expected'), [
    ('luarm', 'ruarm', 'upper-arms'), ('llarm', 'rhand', 'lower-arms'), ('luleg', 'ruleg', 'upper-legs'),
    ('lfoot', 'rlleg', 'lower-legs'), ('lear', 'rebrow', 'head'), ('hair', 'neck', 'head')])
def test_left_and_right_become_one_class_and_the_rest_of_the_person_is_ignored(left, right, expected):
    labels = merge_parts(person(BODY, **{left: LEFT, right: RIGHT}), 'x')
    assert (labels[(LEFT | RIGHT) > 0] == CLASSES.index(expected)).all()
    assert (labels[(BODY & ~(LEFT | RIGHT)) > 0] == 255).all()
    assert (labels[BODY == 0] == 0).all()


def test_the_neck_may_be_the_torsos():
    assert (merge_parts(person(BODY, neck=LEFT), 'x', neck='torso')[LEFT > 0] == CLASSES.index('torso')).all()
    with pytest.raises(InputError, match='neck must be one of'):
        PascalPersonPartConverter(source='.', neck='arms')


def test_a_folder_has_all_its_necks_in_one_class(pascal, tmp_path, thing):
    """What was converted with the neck of the head is not mixed with what has it at the torso."""
    pascal.objects('b', [thing('person', BODY, {'neck': LEFT, 'torso': BODY})])
    converters = [replace(pascal.converter(), neck=neck) for neck in ('head', 'torso')]
    for converter in converters:
        convert(converter, tmp_path / converter.neck, show_progress=False)
        labels = np.array(Image.open(tmp_path / f'{converter.neck}/Training/Category_ids/b.png'))
        assert labels[3, 3] == CLASSES.index(converter.neck)
    with pytest.raises(DataError, match="neck 'head', not 'torso'"):
        convert(converters[1], tmp_path / 'head', show_progress=False)


def test_the_smaller_part_lies_on_top_and_reaches_out_of_the_mask():
    hand = block(slice(5, 8), slice(0, 6))
    for parts in (dict(torso=BODY, lhand=hand), dict(lhand=hand, torso=BODY)):
        labels = merge_parts(person(BODY, **parts), 'x')
        assert (labels == np.where(hand, CLASSES.index('lower-arms'), BODY * CLASSES.index('torso'))).all()


def test_a_person_without_parts_is_ignored_in_training(pascal, run, tmp_path, thing):
    pascal.objects('b', [thing('person', BODY, {}), thing('person', block(slice(2, 9), slice(22, 30)), {
        'head': block(slice(2, 9), slice(22, 30))})])
    report = run()
    assert not report.incomplete
    assert '  people without a labelled pixel, not in the JSON: 1 (b: person 1)' in report.lines()
    assert [somebody['parsing_id'] for somebody in report.outcomes[1].people] == [2]
    category = np.array(Image.open(tmp_path / 'out/Training/Category_ids/b.png'))
    assert (category[BODY > 0] == 255).all()


def test_one_object_alone_is_read(pascal, run, thing):
    pascal.objects('b', [thing('person', BODY, {'torso': BODY})])
    assert len(run().outcomes[1].people) == 1


@pytest.mark.parametrize(('objects', 'message'), [
    (lambda thing: [thing('dog', BODY, {'tail': LEFT})], r'b\.mat: no person in it'),
    (lambda thing: [thing('person', BODY * 0, {})], 'object 1: mask has no pixel'),
    (lambda thing: [thing('person', BODY, {'tail': LEFT})], "object 1: unknown part 'tail'"),
    (lambda thing: [thing('person', BODY, {'head': LEFT[1:]})], r'object 1: part head of \(23, 32\)'),
    (lambda thing: [thing('person', BODY, {}), thing('person', LEFT[1:], {})], 'masks of different sizes'),
    (lambda thing: [{'class': 'person', 'mask': BODY}], "object 1: field 'parts' is missing"),
    (lambda thing: [{'class': 'person', 'mask': 'x', 'parts': 1}], 'object 1: mask must be a matrix'),
])
def test_what_is_wrong_with_an_annotation_is_named(pascal, run, thing, objects, message):
    pascal.objects('b', objects(thing))
    failed, = run().failed
    assert re.search(message, failed.error), failed.error
    assert 'Annotations_Part/b.mat' in failed.error


@pytest.mark.parametrize('content', [
    {'other': 1}, {'anno': 1.0}, {'anno': {'imname': 'b'}}, {'anno': {'objects': 5}}, {'anno': {'objects': 'person'}},
    {'anno': {'objects': np.eye(3)}}, {'anno': {'objects': {'class': np.eye(2)}}},
    {'anno': {'objects': {'class': {'a': 1}}}},
    {'anno': {'objects': {'class': 'person', 'mask': BODY, 'parts': 3}}},
    {'anno': {'objects': {'class': 'person', 'mask': BODY, 'parts': {'part_name': np.eye(2), 'mask': BODY}}}},
    {'anno': {'objects': {'class': 'person', 'mask': 7, 'parts': []}}}, {'anno': {'objects': []}}])
def test_a_file_of_another_structure_is_named(pascal, run, content):
    savemat(pascal.label_file('train', 'b'), content)
    failed, = run().failed
    assert 'b.mat' in failed.error


def test_the_lists_are_needed(pascal, tmp_path):
    with pytest.raises(InputError, match='lists must name 2 files, one a split, got 0'):
        convert(PascalPersonPartConverter(source=pascal.root), tmp_path / 'out', show_progress=False)


def test_photos_may_lie_elsewhere(pascal, tmp_path):
    (pascal.root / 'VOC2010').rename(tmp_path / 'VOC2010')
    converter = PascalPersonPartConverter(
        source=pascal.root, lists=pascal.converter().lists, images=tmp_path / 'VOC2010/JPEGImages')
    assert len(convert(converter, tmp_path / 'out', show_progress=False)[0].done) == 3

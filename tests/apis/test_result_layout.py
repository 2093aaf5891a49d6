"""Where results lie, written out once more, and that each leads back to its record."""
from pathlib import PurePosixPath

import pytest

from mmqanet.apis.layout import cut_out_folder, is_cut_out, kind_paths, planned_paths, possible_records, record_path

FILES = {
    'overlay': ['x/a_overlay.jpg'], 'palette': ['x/a.png'], 'video': ['x/a.mp4'], 'lines': ['x/a.jsonl'],
    'submission': ['submission/global_parsing/x/a.png', 'submission/instance_segmentation/x/a.png',
                   'submission/instance_segmentation/x/a.txt', 'submission/instance_parsing/x/a.png',
                   'submission/instance_parsing/x/a.txt'],
    'people': [], 'parts': []}


@pytest.mark.parametrize('kind', FILES)
def test_the_files_of_a_kind(kind):
    assert sorted(kind_paths(kind, 'x/a')) == sorted(FILES[kind])


def test_planned_is_the_record_and_then_each_kind():
    assert planned_paths('x/a', ['overlay', 'palette', 'people']) == ['x/a.json', 'x/a_overlay.jpg', 'x/a.png']
    assert planned_paths('a', []) == [record_path('a')] == ['a.json']
    assert cut_out_folder('parts', 'x/a') == 'parts/x/a'


@pytest.mark.parametrize('base', ['', 'out', 'deep/out'])
@pytest.mark.parametrize('file', [
    *(file for files in FILES.values() for file in files), 'people/x/a/3.png', 'parts/x/a/3_hat.png'])
def test_every_file_leads_to_its_record(base, file):
    path = PurePosixPath(base, file)
    assert str(PurePosixPath(base, 'x/a.json')) in list(possible_records(path))


def test_a_picture_of_ones_own_leads_to_no_other_record():
    assert list(possible_records(PurePosixPath('in/a.jpg'))) == ['in/a.json']
    assert list(possible_records(PurePosixPath('a_overlay.jpg'))) == ['a_overlay.json', 'a.json']
    assert list(possible_records(PurePosixPath('people/a.png'))) == ['people/a.json']


@pytest.mark.parametrize(('path', 'expected'), [
    ('people/a/1.png', True), ('people/x/a/12.png', True), ('parts/a/1_hat.png', True), ('parts/a/1_left-arm.png', True),
    ('parts/a/1_.png', True), ('people/1.png', False), ('people/a/b.png', False), ('people/a/1_hat.png', False),
    ('parts/a/1.png', False), ('parts/a/1_hat.jpg', False), ('parts/a/1_hat_2.png', False), ('other/a/1.png', False),
    ('x/people/a/1.png', False), ('people/a/1.png.png', False)])
def test_what_could_be_a_cut_out(path, expected):
    assert is_cut_out(PurePosixPath(path)) is expected

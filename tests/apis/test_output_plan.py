"""Which results may be written: no file that was given, none of another input, none outside of the folder."""
from pathlib import Path

import numpy as np
import pytest

from mmqanet.apis.inputs import Picture
from mmqanet.apis.output_plan import OutputPlan
from mmqanet.apis.videos import Video
from mmqanet.errors import DataError, InputError


def picture(name, path='elsewhere.jpg'):
    return Picture(name=name, source=str(path), content=Path(path))


def plan(folder, *kinds, given=()):
    return OutputPlan(folder, kinds, given=given)


def test_inputs_with_names_of_their_own_get_their_paths(tmp_path):
    made = plan(tmp_path, 'overlay', 'palette')
    items = [picture('a'), picture('x/a'), picture('b')]
    made.claim(items)
    made.claim(items)
    assert made.paths(items[1]) == ['x/a.json', 'x/a_overlay.jpg', 'x/a.png']


@pytest.mark.parametrize(('kinds', 'given'), [
    ((), 'a.json'), (('palette',), 'a.png'), (('coco',), 'coco_people.json'), (('coco',), 'coco_parts.json'),
    (('report',), 'report.html'), (('overlay',), 'link.jpg')])
def test_no_file_that_was_given_is_written(tmp_path, kinds, given):
    (tmp_path / 'link.jpg').symlink_to(tmp_path / 'a_overlay.jpg')
    with pytest.raises(InputError, match='would overwrite this file, which was given; choose another --out'):
        plan(tmp_path, *kinds, given=[tmp_path / given]).claim([picture('a')])
    plan(tmp_path, given=[tmp_path / 'b.json']).claim([picture('a')])


def test_no_input_is_written_over(tmp_path):
    with pytest.raises(InputError, match=r'a\.png: the output would overwrite this picture'):
        plan(tmp_path, 'palette').claim([picture('b'), picture('a', tmp_path / 'a.png')])
    with pytest.raises(InputError, match='would overwrite this picture'):
        plan(tmp_path, 'palette').claim([picture('a'), picture('c', tmp_path / 'a.png')])
    with pytest.raises(InputError, match=r'b\.json: the output would overwrite this video'):
        plan(tmp_path).claim([picture('b'), Video(name='a', source='a video', handle=str(tmp_path / 'b.json'))])


def test_what_comes_from_no_file_keeps_none_from_being_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = plan(Path(), 'palette')
    made.claim([Picture(name='1', source='image 1', content=np.zeros((2, 3, 3), np.uint8)),
                Picture(name='2', source='image 2', content=b''), Video(name='camera7', source='camera 7', handle=7)])
    made.check(tmp_path / '7')


@pytest.mark.parametrize(('kinds', 'names'), [
    ((), ('a', 'a')), (('people',), ('a', 'people/a/1')), (('people',), ('people/a/1', 'a')),
    (('submission',), ('a', 'submission/global_parsing/a'))])
def test_two_inputs_never_share_a_file_or_a_place(tmp_path, kinds, names):
    items = [picture(name, f'{index}.jpg') for index, name in enumerate(names)]
    with pytest.raises(InputError, match=r'1\.jpg and 0\.jpg would both be written to .*; parse them apart'):
        plan(tmp_path, *kinds, 'palette').claim(items)


def test_names_that_differ_in_their_ending_alone_are_apart(tmp_path):
    plan(tmp_path, 'palette', 'overlay').claim([picture('a'), picture('a_overlay')])


def test_pictures_of_one_name_in_several_folders_are_apart(tmp_path):
    items = [picture(name, f'{name}.jpg') for name in ('x/y/a', 'y/a', 'a', 'submission/a', 'people/a')]
    for ordered in (items, items[::-1]):
        plan(tmp_path, 'submission', 'people', 'palette').claim(ordered)


def test_no_input_is_called_as_a_file_about_all_pictures(tmp_path):
    with pytest.raises(InputError, match=r'its results would be called as a file about all pictures, coco_people\.json'):
        plan(tmp_path, 'coco').claim([picture('coco_people')])
    plan(tmp_path, 'report').claim([picture('coco_people')])


@pytest.mark.parametrize(('name', 'message'), [
    ('../a', 'would lead out of the output folder'), ('a' * 251, 'would be too long'),
    ('x/' * 2100 + 'a', 'would be too long'), ('a' * 250, None), ('x/y/a', None)])
def test_names_that_no_file_can_have_are_refused(tmp_path, name, message):
    made = plan(tmp_path)
    if message is None:
        made.check_name(picture(name))
        return
    with pytest.raises(InputError, match=message):
        made.check_name(picture(name))


def test_no_link_leads_out_of_the_folder(tmp_path):
    out, other = tmp_path / 'out', tmp_path / 'other'
    for folder in (out, other):
        folder.mkdir()
    (out / 'x').symlink_to(other)
    made = plan(out)
    made.check(out / 'a.json')
    with pytest.raises(DataError, match='a link leads out of the output folder'):
        made.check(out / 'x/a.json')


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(InputError, match='no folder can have this name'):
        plan(Path('a\0b'))

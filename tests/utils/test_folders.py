"""What is found in a folder: each file once, none that is hidden."""
import os

import pytest

from mmqanet.errors import DataError
from mmqanet.utils.folders import list_files, visible_files


@pytest.fixture
def folder(tmp_path):
    for name in ('in/b.jpg', 'in/._b.jpg', 'in/sub/a.jpg', 'in/sub/.hidden/c.jpg', 'in/.cache/d.jpg', 'far/e.jpg'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / 'in/away').symlink_to(tmp_path / 'far')
    (tmp_path / 'in/linked.jpg').symlink_to(tmp_path / 'far/e.jpg')
    return tmp_path / 'in'


def names(folder, **options):
    return [path.relative_to(folder).as_posix() for path in visible_files(folder, **options)]


def test_hidden_files_are_passed_over_and_links_followed(folder):
    assert names(folder) == ['b.jpg', 'linked.jpg']
    assert names(str(folder), recursive=True) == ['away/e.jpg', 'b.jpg', 'linked.jpg', 'sub/a.jpg']


def test_a_folder_is_read_once_under_its_own_name(folder):
    (folder / 'a link that comes first').symlink_to(folder / 'sub')
    (folder / 'sub/up').symlink_to(folder)
    assert names(folder, recursive=True) == ['away/e.jpg', 'b.jpg', 'linked.jpg', 'sub/a.jpg']
    remarks = list_files(folder, recursive=True).remarks
    assert sorted(remarks) == [f'{folder / name}: left out, leads to a folder that is read already'
                               for name in ('a link that comes first', 'sub/up')]


def test_what_is_no_file_is_told(folder):
    os.mkfifo(folder / 'pipe.jpg')
    (folder / 'broken.jpg').symlink_to(folder / 'none')
    content = list_files(folder)
    assert sorted(content.remarks) == [f'{folder / "broken.jpg"}: left out, links to nothing',
                                       f'{folder / "pipe.jpg"}: left out, is a pipe, socket or device']
    assert {path.name for path in content.folders} == {'away', 'sub'}
    passed = list_files(folder, recursive=True, skip=lambda entry: entry.name in ('away', 'b.jpg', 'pipe.jpg')).files
    assert {path.name for path in passed} == {'a.jpg', 'linked.jpg'}


def test_what_is_no_folder_is_named(folder):
    for name in ('none', 'b.jpg'):
        with pytest.raises(DataError, match=rf'{name}: no such folder'):
            visible_files(folder / name)

"""Folders and files for results, looked at before the work."""
import pytest

from mmqanet.cli.outputs import make_folder, refuse_folder
from mmqanet.errors import InputError


def test_a_folder_is_made_with_those_that_it_lies_in_and_may_be_there(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / 'a/b/c', told='--plots a/b/c')
        assert (tmp_path / 'a/b/c').is_dir()


def test_a_folder_that_cannot_be_made_is_told_by_its_option(tmp_path):
    (tmp_path / 'a').write_text('')
    for folder, reason in (('a', 'File exists'), ('a/b', 'Not a directory'), ('x' * 300, 'File name too long')):
        with pytest.raises(InputError, match=rf'^--plots x: {reason}$'):
            make_folder(tmp_path / folder, told='--plots x')


def test_a_folder_is_no_file_to_write(tmp_path):
    refuse_folder('--json', str(tmp_path / 'a.json'))
    with pytest.raises(InputError, match=rf'^--json {tmp_path}: is a folder$'):
        refuse_folder('--json', str(tmp_path))

"""Files get their names when all are whole, and a folder that is in the way is named."""
import pytest

from mmqanet.errors import DataError
from mmqanet.utils.staging import Staging


def test_files_get_their_names_and_nothing_stays_behind(tmp_path):
    (tmp_path / 'a.txt').write_text('old')
    with Staging(tmp_path) as staging:
        for name in ('a.txt', 'deep/er/b.txt'):
            (staging.path / name).parent.mkdir(parents=True, exist_ok=True)
            (staging.path / name).write_text('new')
        assert staging.files() == ['a.txt', 'deep/er/b.txt']
        assert (tmp_path / 'a.txt').read_text() == 'old'
        staging.publish(staging.files())
    assert {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob('*') if path.is_file()} == {
        'a.txt': 'new', 'deep/er/b.txt': 'new'}
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.txt', 'deep']


def test_what_is_in_the_way_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder').mkdir()
    with Staging(tmp_path) as staging:
        for name in ('file/b.txt', 'folder'):
            (staging.path / name).parent.mkdir(parents=True, exist_ok=True)
            (staging.path / name).write_text('new')
        with pytest.raises(DataError, match=r'folder: cannot be written \(it is a folder\)'):
            staging.check(staging.files(), lambda path: None)
        for name in staging.files():
            with pytest.raises(DataError, match=f'{tmp_path / name}: cannot be written'):
                staging.publish([name])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'folder']
    with pytest.raises(DataError, match='file: this folder cannot be written to'):
        Staging(tmp_path / 'file')

"""Errors of the folder of a distributed run are one line that says the reason."""
import pytest

pytest.importorskip('fsspec')
pytest.importorskip('pyarrow')

from mmqanet.apis.batch.store import RunFolder
from mmqanet.errors import DataError, InputError


@pytest.mark.parametrize(('error', 'reason'), [
    (OSError(28, 'No space left on device'), 'No space left on device'),
    (OSError('no route to host\nsecond line'), 'no route to host'),
    (TimeoutError(), 'TimeoutError')])
def test_what_a_store_refuses_is_said_in_one_line(tmp_path, monkeypatch, error, reason):
    folder = RunFolder(str(tmp_path / 'out'))

    def refuse(path):
        raise error

    monkeypatch.setattr(folder.fs, 'exists', refuse)
    with pytest.raises(DataError) as caught:
        folder.start({})
    assert str(caught.value) == f'{tmp_path / "out"}: cannot be read or written ({reason})'


def test_files_of_no_run_are_left_alone(tmp_path):
    (tmp_path / 'people').mkdir()
    (tmp_path / 'people/mine.txt').write_text('mine')
    with pytest.raises(InputError, match=r'files in people without run\.json, so of no run that could go on'):
        RunFolder(str(tmp_path)).start({})
    assert [path.name for path in tmp_path.rglob('*')] == ['people', 'mine.txt']


def test_a_run_goes_on_with_equal_options_only(tmp_path):
    RunFolder(str(tmp_path)).start(dict(model='a', score_thr=0.5))
    RunFolder(str(tmp_path)).start(dict(model='a', score_thr=0.5))
    with pytest.raises(InputError, match='a run with another model, tta; choose another --out'):
        RunFolder(str(tmp_path)).start(dict(model='b', score_thr=0.5, tta=[1.0]))
    (tmp_path / 'run.json').write_text('{"version": 0, "options": {}}')
    with pytest.raises(InputError, match='tables of version 0, but this program writes version'):
        RunFolder(str(tmp_path)).start({})
    (tmp_path / 'run.json').write_text('[]')
    with pytest.raises(InputError, match='not readable as the file of a run'):
        RunFolder(str(tmp_path)).start({})

"""What is in the making is gone when the process has ended, wherever a signal met it."""
import os
import signal
import subprocess
import sys

import pytest

from mmqanet.errors import DataError
from mmqanet.utils.files import write_bytes
from mmqanet.utils.staging import Staging
from mmqanet.utils.temporary import remove_temporaries, temporary_path


def test_what_was_cut_off_goes_at_the_end(tmp_path):
    staging = Staging(tmp_path)
    (staging.path / 'half.png').write_bytes(b'half')
    temporary_path(tmp_path, suffix='.part').write_bytes(b'half')
    (tmp_path / 'mine').write_text('mine')
    remove_temporaries()
    assert os.listdir(tmp_path) == ['mine']


def test_a_process_that_ends_by_itself_leaves_nothing(tmp_path):
    code = f'from mmqanet.utils.temporary import temporary_path; temporary_path({str(tmp_path)!r}).write_bytes(b"half")'
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('moment', ['os.replace', 'os.unlink', 'pathlib.Path.write_bytes'])
@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no signals of this kind')
def test_a_signal_at_any_moment_leaves_nothing(tmp_path, moment):
    """It comes once before the function of the moment has done anything, and once after."""
    module, _, name = moment.rpartition('.')
    code = f"""
import os, pathlib, signal, sys
from mmqanet.utils.commands import run_command
from mmqanet.utils.files import write_bytes
function = {moment}
def signalled(*args, **options):
    {module}.{name} = function
    try:
        if int(sys.argv[1]):
            function(*args, **options)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
{module}.{name} = signalled
sys.exit(run_command(lambda: write_bytes({str(tmp_path / 'a.bin')!r}, b'whole'))[0])
"""
    for after in '01':
        ended = subprocess.run([sys.executable, '-c', code, after], capture_output=True, text=True)
        assert ended.returncode == 128 + signal.SIGTERM, ended.stderr
        assert set(os.listdir(tmp_path)) <= {'a.bin'}
        assert not (tmp_path / 'a.bin').exists() or (tmp_path / 'a.bin').read_bytes() == b'whole'


def test_names_that_no_file_can_have_are_named(tmp_path):
    for name in ('a\0b', 'n' * 300):
        with pytest.raises(DataError, match=r'a.*b: no file can have this name|too long'):
            write_bytes(tmp_path / name, b'x')
    assert not list(tmp_path.iterdir())

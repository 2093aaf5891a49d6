"""However a command ends, it says so in one line, on whatever its outputs are."""
import os
import subprocess
import sys

import pytest

from mmqanet.errors import DataError
from mmqanet.utils.commands import run_command
from mmqanet.utils.console import SafeStream, complain, safe_output, say


def raising(error):
    def work():
        raise error
    return work


@pytest.mark.parametrize(('error', 'status', 'problem'), [
    (DataError('a.png: broken'), 1, 'a.png: broken'), (FileNotFoundError(2, 'gone', 'b.json'), 1, 'b.json: no such file'),
    (MemoryError(), 1, 'not enough memory (MemoryError)'), (OSError(12, 'Cannot allocate memory'), 1, 'not enough memory'),
    (RuntimeError('could not create a primitive'), 1, 'not enough memory (could not create a primitive)'),
    (RuntimeError('std::bad_alloc\nmore'), 1, 'not enough memory (std::bad_alloc)'),
    (ImportError('x.so: failed to map segment from shared object'), 1, 'not enough memory (x.so'),
    (KeyboardInterrupt(), 130, ''), (DataError('a\x1b[31m: \udcff'), 1, r'a\x1b[31m: \xff')])
def test_what_is_wrong_is_one_line(error, status, problem):
    ended, line = run_command(raising(error))
    assert ended == status
    assert line.startswith(problem)
    assert '\n' not in line


def test_faults_of_the_program_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)
    assert run_command(lambda: None) == (0, '')
    assert run_command(lambda: 3) == (3, '')


def test_what_the_encoding_lacks_is_escaped(tmp_path):
    with (tmp_path / 'out.txt').open('w', encoding='latin-1') as file:
        assert SafeStream(file).write('ä 头\n') == 4
    assert (tmp_path / 'out.txt').read_bytes() == b'\xe4 \\u5934\n'


def test_lines_come_out_escaped(capsys):
    say('a\x1b[2J\nb')
    complain('c\u202e')
    assert capsys.readouterr() == ('a\\x1b[2J\nb\n', 'c\\u202e\n')
    with safe_output() as output:
        print('d')
    assert output.lost is None
    assert capsys.readouterr().out == 'd\n'


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='this system has no full device')
@pytest.mark.parametrize(('to', 'status', 'problem'), [
    ('closed', 0, ''), ('full', 1, 'standard output cannot be written (No space left on device)'), ('unread', 0, '')])
def test_the_work_is_done_whatever_standard_output_is(tmp_path, to, status, problem):
    reader, writer = os.pipe()
    os.close(reader)
    output = {'full': os.open('/dev/full', os.O_WRONLY), 'unread': writer, 'closed': None}[to]
    code = """
import pathlib, sys
from mmqanet.utils.commands import run_command
def work():
    for number in range(20000):
        print('line', number)
    pathlib.Path('done').touch()
status, problem = run_command(work)
pathlib.Path('problem').write_text(problem)
sys.exit(status)
"""
    command = [sys.executable, '-c', code] if output else ['sh', '-c', '"$0" -c "$1" >&-', sys.executable, code]
    ended = subprocess.run(command, cwd=tmp_path, stdout=output, stderr=subprocess.PIPE, text=True)
    assert (tmp_path / 'done').exists()
    assert ended.returncode == status
    assert (tmp_path / 'problem').read_text() == problem
    assert ended.stderr == ''

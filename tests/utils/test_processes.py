"""Work in several processes: order, errors, processes that die, children that end with their parent."""
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from mmqanet.errors import DataError
from mmqanet.utils.processes import run_many

HERE = str(Path(__file__).parent)


def double(number: int) -> int:
    return 2 * number


def refuse(number: int) -> int:
    if number == 3:
        raise DataError('three')
    return number


def die_once(number: int, *, folder: Path) -> int:
    """At 5 the process dies, the first time."""
    mark = folder / 'died'
    if number == 5 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize('workers', [0, 2])
def test_results_are_in_order(workers):
    assert run_many(double, range(50), title='doubling', workers=workers) == list(range(0, 100, 2))
    assert run_many(double, [], title='doubling', workers=workers) == []


def test_unless_asked_it_works_in_this_process():
    processes = run_many(lambda _: os.getpid(), range(3), title='work')
    assert processes == 3 * [os.getpid()]


@pytest.mark.parametrize('workers', [1, 2])
def test_an_error_of_an_item_is_raised(workers):
    with pytest.raises(DataError, match='three'):
        run_many(refuse, range(20), title='work', workers=workers)


def test_what_a_dead_process_left_is_done_again(tmp_path):
    assert run_many(partial(die_once, folder=tmp_path), range(20), title='work', workers=2) == list(range(0, 40, 2))
    assert (tmp_path / 'died').exists()


def test_processes_that_always_die_are_an_error():
    with pytest.raises(DataError, match='comparing: a process died'):
        run_many(die, range(4), title='comparing', workers=2)


PARENT = """
import os, sys
sys.path.insert(0, {here!r})
from mmqanet.utils.processes import run_many
from test_processes import report_and_wait
if __name__ == '__main__':
    run_many(report_and_wait, [0, 1], title='waiting', workers=2)
"""


def report_and_wait(number: int) -> None:
    print(os.getpid(), flush=True)
    signal.pause()


def test_children_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / 'parent.py'
    script.write_text(PARENT.format(here=HERE))
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert len({parent.stdout.readline() for _ in range(2)}) == 2  # both children are at work
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate(timeout=60)  # standard output ends when the last process has closed its end

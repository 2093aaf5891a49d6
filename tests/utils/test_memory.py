"""A limit of memory, in processes of their own: what would go beyond fails, and what goes on under it."""
import errno
import os
import subprocess
import sys

import cv2
import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.utils import memory

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='the limit needs Linux')

LIMITED = """
import numpy as np
from mmqanet.apis.batches import IN_FLIGHT, batches, in_flight
from mmqanet.errors import InputError
from mmqanet.utils.memory import limit_memory, memory_left
assert memory_left() is None and in_flight() == IN_FLIGHT
try:
    limit_memory(2**20)
except InputError as error:
    held = int(str(error).split(' are in use')[0].split()[-1])
assert memory_left() is None
limit_memory((held + 200) * 2**20)
assert 190 * 2**20 < memory_left() <= 210 * 2**20
assert in_flight() == 1
for size, expected in ((150, True), (250, False), (150, True)):
    try:
        array = np.ones(size * 2**20, np.uint8)
        assert expected
        assert memory_left() < 60 * 2**20
    except MemoryError:
        assert not expected
    array = None
peak, = (int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM:'))  # not the parent's as well
assert peak < (held + 200) * 2**10
"""


def test_a_process_takes_no_more_than_its_limit():
    subprocess.run([sys.executable, '-c', LIMITED], check=True, env=dict(os.environ, OMP_NUM_THREADS='1'))


def test_a_limit_needs_a_system_that_says_what_is_held(monkeypatch):
    monkeypatch.setattr(memory, '_of_this_process', lambda entry: None)
    with pytest.raises(InputError, match='a limit of memory needs Linux'):
        memory.limit_memory(2**40)
    assert memory.memory_left() is None


def opencv_error(code):
    error = cv2.error('odd')
    error.code = code
    return error


@pytest.mark.parametrize(('error', 'expected'), [
    (MemoryError(), True), (OSError(errno.ENOMEM, 'Cannot allocate memory'), True),
    (OSError(errno.ENOENT, 'no file'), False),
    (opencv_error(cv2.Error.StsNoMem), True), (opencv_error(cv2.Error.StsBadArg), False), (cv2.error('odd'), False),
    (torch.OutOfMemoryError('CUDA out of memory'), True), (RuntimeError('odd'), False), (ValueError('out of memory'), False),
    *((RuntimeError(f'[enforce fail] {words} here'), True) for words in memory.WORDS)])
def test_whose_error_tells_of_too_little_memory(error, expected):
    assert memory.is_out_of_memory(error) is expected


def squares(most):
    asked = []

    def function(numbers):
        asked.append(len(numbers))
        if len(numbers) > most:
            raise MemoryError
        return [number**2 for number in numbers]

    return function, asked


@pytest.mark.parametrize(('most', 'asked'), [
    (9, [7]), (4, [7, 3, 4]), (3, [7, 3, 4, 2, 2]), (1, [7, 3, 1, 2, 1, 1, 4, 2, 1, 1, 2, 1, 1])])
def test_what_memory_does_not_suffice_for_is_done_in_halves_in_order(most, asked, monkeypatch):
    released = []
    monkeypatch.setattr(memory, 'release_memory', lambda: released.append(1))
    function, seen = squares(most)
    assert memory.in_halves(function, list(range(7))) == [number**2 for number in range(7)]
    assert seen == asked
    assert len(released) == sum(number > most for number in asked)


def test_one_item_that_is_too_large_and_other_errors_are_not_split():
    function, seen = squares(0)
    with pytest.raises(MemoryError):
        memory.in_halves(function, [3])
    assert seen == [1]

    def fail(numbers):
        seen.append(len(numbers))
        raise ValueError('odd')

    with pytest.raises(ValueError, match='odd'):
        memory.in_halves(fail, [1, 2, 3])
    assert seen == [1, 3]

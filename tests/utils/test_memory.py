"""A limit of memory, in processes of their own: what would go beyond fails, and what goes on under it."""
import os
import subprocess
import sys

import pytest

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

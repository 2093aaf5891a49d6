import subprocess
import sys
import threading

import pytest
import torch

from mmqanet.utils.threads import parallel_map


def test_results_come_in_order_from_other_threads_of_one_operation_thread_each():
    def look(piece):
        return piece, threading.current_thread().name, torch.get_num_threads()

    pieces, names, threads = zip(*parallel_map(look, range(50)))
    assert pieces == tuple(range(50))
    assert all(name.startswith('mmqanet') for name in names)
    assert set(threads) == {1}


def test_an_error_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(parallel_map(lambda piece: 1 / piece, [1, 0]))


def test_other_threads_keep_their_number_of_threads():
    """In a process of its own: the pool is made once, and so is torch's number of threads."""
    code = '''
import threading, torch
torch.set_num_threads(3)
from mmqanet.utils.threads import parallel_map
assert list(parallel_map(abs, [-1, 2])) == [1, 2]
seen = [torch.get_num_threads()]
thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
thread.start()
thread.join()
print(seen)
'''
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == '[3, 3]'


def test_a_forked_child_gets_threads_of_its_own():
    code = '''
import os
from mmqanet.utils.threads import parallel_map
list(parallel_map(abs, [1]))
child = os.fork()
if not child:
    os._exit(0 if list(parallel_map(abs, [-7])) == [7] else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
'''
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == '0'

import subprocess
import sys
import threading

import pytest
import torch

from mmqanet.utils.threads import parallel_ahead, parallel_map


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


@pytest.mark.parametrize('mapping', [parallel_map, parallel_ahead])
def test_on_one_of_the_threads_it_is_a_loop(mapping):
    def look(piece):
        return piece, threading.get_ident()

    for outer in parallel_map(lambda _: [*mapping(look, range(3)), look(3)], range(2 * torch.get_num_threads())):
        pieces, threads = zip(*outer)
        assert pieces == (0, 1, 2, 3)
        assert len(set(threads)) == 1


def test_ahead_are_as_many_pieces_as_there_are_threads():
    taken = []

    def pieces():
        for piece in range(20):
            taken.append(piece)
            yield piece

    def look(piece):
        return piece, threading.current_thread().name.startswith('mmqanet'), torch.get_num_threads()

    for number, found in enumerate(parallel_ahead(look, pieces())):
        assert found == (number, True, 1)
        assert len(taken) == min(number + torch.get_num_threads(), 20)


def test_what_memory_does_not_suffice_for_is_tried_again_alone():
    active, tries, lock = [], [], threading.Lock()

    def work(piece):
        with lock:
            active.append(piece)
            tries.append(piece)
        try:
            if piece == 1 and tries.count(1) < 2:
                raise MemoryError
            return piece, list(active)
        finally:
            with lock:
                active.remove(piece)

    found = list(parallel_ahead(work, range(4)))
    assert [piece for piece, _ in found] == [0, 1, 2, 3]
    assert found[1][1] == [1]
    with pytest.raises(MemoryError):
        list(parallel_ahead(lambda piece: bytes(2**62), range(2)))


def test_nothing_is_in_the_making_any_more_when_the_results_are_left():
    begun, ended = [], []

    def work(piece):
        begun.append(piece)
        if piece == 2:
            raise ZeroDivisionError
        ended.append(piece)

    results = parallel_ahead(work, range(9))
    next(results)
    results.close()
    assert begun == ended
    with pytest.raises(ZeroDivisionError):
        list(parallel_ahead(work, [2, 3, 4]))


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

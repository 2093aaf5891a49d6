"""``SharedStore``: what is put in comes out, in every process, and no more than there is room for."""
import copy
import multiprocessing
import pickle
import resource

import numpy as np
import pytest

from mmqanet.errors import InputError
from mmqanet.utils.shared_store import SharedStore

FORK = multiprocessing.get_context('fork')


def content(number: int, size: int = 700) -> bytes:
    return np.random.default_rng(number).bytes(size)


def test_what_is_put_in_comes_out_and_the_first_of_a_key_stays():
    store = SharedStore(2**16)
    store.add(('a', 1), content(1))
    store.add(('a', 2), content(2, 9), content(3, 1))
    store.add(('a', 1), content(4))
    assert store.get(('a', 1)) == content(1)
    assert store.get(('a', 2)) == content(2, 9) + content(3, 1)
    assert store.get(('a', 3)) is None
    assert (len(store), store.bytes_used) == (2, 710)
    with pytest.raises(TypeError):
        store.get(('a', 1))[0] = 0


def test_no_more_is_kept_than_fits():
    store = SharedStore(2**16)
    for number in range(200):
        store.add(number, content(number))
    assert store.full
    kept = len(store)
    assert store.bytes_used == 700 * kept
    assert 0.9 * 2**16 < 700 * kept < 2**16
    for number in range(200):
        assert store.get(number) == (content(number) if number < kept else None)


def test_many_small_contents_fill_three_quarters_of_the_table():
    store = SharedStore(2**15)  # 64 entries
    for number in range(100):
        store.add(number, content(number, 3))
    assert len(store) == 48
    assert [store.get(number) for number in range(48)] == [content(number, 3) for number in range(48)]
    assert store.get(48) is None


@pytest.mark.parametrize('size', [1, 511, 512, 1024, 1500, 3000])
def test_the_smallest_stores_answer_too(size):
    store = SharedStore(size)
    for number in range(6):
        store.add(number, content(number, 3))
    assert store.full
    assert [store.get(number) for number in range(6)].count(None) == 6 - len(store)


def test_a_store_without_room_keeps_nothing():
    store = SharedStore(0)
    store.add('key', b'content')
    assert store.get('key') is None
    assert (len(store), store.bytes_used) == (0, 0)


def test_memory_is_taken_as_the_store_fills():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    SharedStore(2**33).add('key', content(0))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**16  # KiB


def fill(store: SharedStore, numbers: list[int]) -> None:
    for number in numbers:
        store.add(number, content(number))


def test_forked_processes_fill_one_store_at_the_same_time():
    store = SharedStore(2**18)
    orders = [np.random.default_rng(seed).permutation(60).tolist() for seed in range(4)]
    processes = [FORK.Process(target=fill, args=(store, order)) for order in orders]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert (len(store), store.bytes_used) == (60, 60 * 700)
    assert all(store.get(number) == content(number) for number in range(60))


def read_and_answer(store: SharedStore, connection) -> None:
    connection.recv()
    connection.send(bytes(store.get('late')))


def test_a_forked_process_reads_what_came_after_the_fork():
    store = SharedStore(2**16)
    here, there = FORK.Pipe()
    process = FORK.Process(target=read_and_answer, args=(store, there))
    process.start()
    there.close()  # so that a process that fails is no reason to wait
    store.add('late', content(5))
    here.send(None)
    assert here.recv() == content(5)
    process.join()


@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda store: pickle.loads(pickle.dumps(store))])
def test_a_copy_is_new_and_empty(duplicate):
    store = SharedStore(2**16)
    store.add('key', content(0))
    other = duplicate(store)
    assert (other.max_bytes, len(other)) == (2**16, 0)
    other.add('key', content(1))
    assert (store.get('key'), other.get('key')) == (content(0), content(1))


@pytest.mark.parametrize('size', [-1, 2**62, 2**70])
def test_memory_that_cannot_be_had_is_one_clear_error(size):
    with pytest.raises(InputError, match='memory to keep things in'):
        SharedStore(size)

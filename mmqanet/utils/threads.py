"""Threads for work that comes in many small pieces.

Splitting one short tensor operation over all cores ends in a barrier, and on a machine that is busy with anything else
(data loaders, say) the barriers cost many times the work. Whole pieces on threads of their own need none.
"""
import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from mmqanet.utils.memory import is_out_of_memory, release_memory

Piece = TypeVar('Piece')
Result = TypeVar('Result')
_own = threading.local()  # what a thread knows of itself


def parallel_map(function: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    """``map`` on as many threads as torch uses, results in order. Operations inside ``function`` run on one thread each.

    Thread-local settings of the caller (gradient mode, autocast) do not reach ``function``. Called on one of these threads,
    it is ``map``.
    """
    return (map if _is_of_a_pool() else _pool(os.getpid()).map)(function, pieces)


def parallel_ahead(function: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    """As :func:`parallel_map`, but of many pieces no more are taken at a time than there are threads, so that few results
    wait. A piece that memory does not suffice for is tried again when no other is in the making. Called on one of these
    threads, it is ``map``: a thread of the pool that waits for another one could wait for ever."""
    if _is_of_a_pool():
        yield from map(function, pieces)
        return
    pool, ahead = _pool(os.getpid()), torch.get_num_threads()
    waiting: deque[tuple[Piece, Future[Result]]] = deque()
    try:
        for piece in pieces:
            waiting.append((piece, pool.submit(function, piece)))
            if len(waiting) == ahead:
                yield _first_result(function, waiting)
        while waiting:
            yield _first_result(function, waiting)
    finally:
        wait([future for _, future in waiting if not future.cancel()])


def _first_result(function: Callable[[Piece], Result], waiting: deque[tuple[Piece, Future[Result]]]) -> Result:
    """Take the first of those that wait, and its result."""
    piece, future = waiting.popleft()
    try:
        return future.result()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    del future  # its error holds what it met
    wait([other for _, other in waiting])
    release_memory()
    return next(parallel_map(function, [piece]))


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of this process; a forked child has none of its parent's and gets its own."""
    number = torch.get_num_threads()
    pool = ThreadPoolExecutor(number, thread_name_prefix='mmqanet', initializer=_use_one_thread)
    everyone_started = threading.Barrier(number + 1)
    try:
        for _ in range(number):
            pool.submit(everyone_started.wait)
    except RuntimeError:  # too little memory for another thread: those that wait must not wait for ever
        everyone_started.abort()
        pool.shutdown()
        raise
    everyone_started.wait()
    torch.set_num_threads(number)  # what the threads set for themselves is also the default of threads to come
    return pool


def _is_of_a_pool() -> bool:
    return getattr(_own, 'of_a_pool', False)


def _use_one_thread() -> None:
    _own.of_a_pool = True
    torch.set_num_threads(1)
    torch.get_num_threads()  # a thread takes the default over at its first look, so it has to look now

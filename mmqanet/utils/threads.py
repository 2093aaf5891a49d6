"""Threads for work that comes in many small pieces.

Splitting one short tensor operation over all cores ends in a barrier, and on a machine that is busy with anything else
(data loaders, say) the barriers cost many times the work. Whole pieces on threads of their own need none.
"""
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Piece = TypeVar('Piece')
Result = TypeVar('Result')


def parallel_map(function: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
    """``map`` on as many threads as torch uses, results in order. Operations inside ``function`` run on one thread each.

    Thread-local settings of the caller (gradient mode, autocast) do not reach ``function``.
    """
    return _pool(os.getpid()).map(function, pieces)


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


def _use_one_thread() -> None:
    torch.set_num_threads(1)
    torch.get_num_threads()  # a thread takes the default over at its first look, so it has to look now

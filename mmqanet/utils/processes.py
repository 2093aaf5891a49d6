"""Working on the images of a data set in several processes, with a progress bar."""
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

CHUNK = 8  # images a worker takes at a time

Item = TypeVar('Item')
Result = TypeVar('Result')
Mapper = Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]


@contextmanager
def worker_processes(number: int, *, preload: str) -> Iterator[Mapper]:
    """``run(job, items)`` yields the results in the order of the items, in this process or in ``number`` others.

    Args:
        number: processes; 1 means this one.
        preload: the module of the job, imported once for all processes.
    """
    if number == 1:
        yield map
        return
    # Not fork: torch and the progress bar hold threads here.
    method = 'forkserver' if 'forkserver' in multiprocessing.get_all_start_methods() else 'spawn'
    context = multiprocessing.get_context(method)
    if method == 'forkserver':
        context.set_forkserver_preload([preload])
    with ProcessPoolExecutor(number, mp_context=context) as pool:
        def run(job: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
            return pool.map(job, items, chunksize=CHUNK)
        try:
            yield run
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def progress_bar(shown: bool) -> Iterator[Progress]:
    """A bar on standard error, so that the tables on standard output stay clean; only where that is a terminal."""
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, disable=not (shown and console.is_terminal), console=console) as bar:
        yield bar

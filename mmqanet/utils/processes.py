"""The same work on many items: several processes, a progress bar, and what happens when a process dies."""
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmqanet.errors import DataError

MOST_ITEMS = 8  # that a process takes at a time

Item = TypeVar('Item')
Result = TypeVar('Result')


def run_many(function: Callable[[Item], Result], items: Iterable[Item], *, title: str, workers: int = 1,
             progress: bool = False) -> list[Result]:
    """The function's result for every item, in the order of the items.

    Where a process dies, the items that it leaves undone are given to new ones. Processes end when their parent does.

    Args:
        function: picklable where ``workers`` > 1, and so are its items and results.
        items: its arguments.
        title: what the progress bar and an error call the work.
        workers: processes; 0 or 1 works in this one.
        progress: show a progress bar on the terminal.

    Raises:
        DataError: processes died again without finishing anything.
    """
    items = list(items)
    with progress_bar(progress) as bar:
        task = bar.add_task(title, total=len(items))
        workers = min(workers, len(items))
        if workers <= 1:
            return list(bar.track((function(item) for item in items), task_id=task, total=len(items)))
        results: dict[int, Result] = {}
        while left := [index for index in range(len(items)) if index not in results]:
            found = _run_in_pool(function, items, left, workers=workers, advance=lambda n: bar.advance(task, n))
            results |= found
            if not found:
                raise DataError(f'{title}: a process died, perhaps for lack of memory; run again to go on')
        return [results[index] for index in range(len(items))]


def _run_in_pool(function: Callable[[Item], Result], items: Sequence[Item], indices: Sequence[int], *, workers: int,
                 advance: Callable[[int], None]) -> dict[int, Result]:
    """The results of some items by index: all, or where a process died those of the items that were done."""
    size = max(1, min(MOST_ITEMS, len(indices) // (4 * workers)))
    pieces = [indices[start:start + size] for start in range(0, len(indices), size)]
    results: dict[int, Result] = {}
    with ProcessPoolExecutor(workers, mp_context=_context(function), initializer=_end_with_parent) as pool:
        futures: dict[Future, Sequence[int]] = {}
        try:
            for piece in pieces:
                futures[pool.submit(_run_piece, function, [items[index] for index in piece])] = piece
            for future in as_completed(futures):
                results |= zip(futures[future], future.result())
                advance(len(futures[future]))
        except BrokenProcessPool:
            pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def _run_piece(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]


def _context(function: Callable) -> multiprocessing.context.BaseContext:
    """Processes that are not forked from this one, since torch and progress bars hold threads here. The function's module is
    imported once for all of them."""
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    inner = getattr(function, 'func', function)  # of a partial
    context.set_forkserver_preload([getattr(inner, '__module__', type(inner).__module__)])
    return context


def _end_with_parent() -> None:
    """Let this process end when its parent is gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # the pool's workers have one
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def progress_bar(shown: bool) -> Iterator[Progress]:
    """A bar on standard error, so that the tables on standard output stay clean; only where that is a terminal."""
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, disable=not (shown and console.is_terminal), console=console) as bar:
        yield bar

"""Overlapping stages: one thread makes what another takes, with a bounded queue in between."""
import threading
from collections.abc import Generator, Iterable
from queue import Full, Queue
from typing import TypeVar

Item = TypeVar('Item')
PATIENCE = 0.1  # seconds between looks at whether anybody still wants the items


def ahead(items: Iterable[Item], *, depth: int = 2) -> Generator[Item, None, None]:
    """Iterate over ``items`` in a thread of its own, at most ``depth`` items ahead of who takes them.

    An exception of ``items`` is raised here, after the items before it. When this iterator is closed or dropped, the thread
    ends after the item it is at.
    """
    queue: Queue = Queue(depth)
    stop = threading.Event()

    def offer(item: object, error: BaseException | None) -> bool:
        while not stop.is_set():
            try:
                queue.put((item, error), timeout=PATIENCE)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not offer(item, None):
                    return
            offer(None, StopIteration())
        except BaseException as error:
            offer(None, error)
        finally:
            getattr(items, 'close', lambda: None)()  # a generator ends in the thread that ran it

    thread = threading.Thread(target=work, name='mmqanet-ahead', daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
        thread.join()

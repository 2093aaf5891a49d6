"""Overlapping stages: one thread makes what another takes, a bounded way ahead."""
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Generic, TypeVar

Item = TypeVar('Item')


def prefetch(items: Iterable[Item], *, depth: int = 2, budget: int | None = None,
             weigh: Callable[[Item], int] = lambda item: 0) -> Generator[Item, None, None]:
    """Iterate over ``items`` in a thread of its own.

    The thread begins with another item while fewer than ``depth`` wait to be taken, and while those and the one that was
    taken last weigh less than the ``budget``. So items that are heavier than the budget are made one after the other.

    An exception of ``items`` is raised here, after the items before it. When this iterator is closed or dropped, the thread
    ends after the item it is at.

    Args:
        items: what is made.
        depth: most items that wait.
        budget: in the unit of ``weigh``, e.g. bytes; ``None`` sets no limit.
        weigh: the weight of an item; by default nothing.
    """
    shelf: _Shelf[Item] = _Shelf(depth, budget)

    def work() -> None:
        try:
            source = iter(items)
            while shelf.wait_for_room():
                item = next(source)
                shelf.put(item, weigh(item))
                del item
        except StopIteration:
            shelf.end(None)
        except BaseException as error:
            shelf.end(error)
        finally:
            getattr(items, 'close', lambda: None)()  # a generator ends in the thread that ran it

    thread = threading.Thread(target=work, name='mmqanet-prefetch', daemon=True)
    thread.start()
    try:
        while shelf.wait_for_item():
            yield shelf.take()
    finally:
        shelf.close()
        thread.join()


class _Shelf(Generic[Item]):
    """What lies between the two threads."""

    def __init__(self, depth: int, budget: int | None) -> None:
        self.depth, self.budget = depth, budget
        self.waiting: deque[tuple[Item, int]] = deque()
        self.weight = 0  # of what waits, and of what was taken last
        self.taken = 0  # the latter's part
        self.closed = self.ended = False
        self.error: BaseException | None = None
        self.changed = threading.Condition()

    def wait_for_room(self) -> bool:
        """For the maker: whether another item is wanted."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or (
                len(self.waiting) < self.depth and (self.budget is None or self.weight < self.budget)))
            return not self.closed

    def put(self, item: Item, weight: int) -> None:
        with self.changed:
            self.waiting.append((item, weight))
            self.weight += weight
            self.changed.notify_all()

    def end(self, error: BaseException | None) -> None:
        """Nothing more will be put."""
        with self.changed:
            self.ended, self.error = True, error
            self.changed.notify_all()

    def wait_for_item(self) -> bool:
        """Whether there is another item, for the consumer, which is done with what was taken last."""
        with self.changed:
            self.weight -= self.taken
            self.taken = 0
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.waiting or self.ended)
            if not self.waiting and self.error is not None:
                raise self.error
            return bool(self.waiting)

    def take(self) -> Item:
        with self.changed:
            item, self.taken = self.waiting.popleft()
            self.changed.notify_all()
            return item

    def close(self) -> None:
        """Nothing more is wanted."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

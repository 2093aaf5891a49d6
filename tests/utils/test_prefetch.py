"""Working ahead in a thread: order, bound, errors, and an end when nobody listens any more."""
import threading

import pytest

from mmqanet.utils.prefetch import prefetch


def test_items_come_in_order_from_another_thread():
    threads = set()

    def items():
        for number in range(50):
            threads.add(threading.current_thread())
            yield number

    assert list(prefetch(items(), depth=3)) == list(range(50))
    assert threading.current_thread() not in threads


class Maker:
    """Makes numbers, and knows how many it has begun."""

    def __init__(self, **options):
        self.made, self.asked = 0, threading.Semaphore(0)
        self.taken = prefetch(self._items(), **options)

    def _items(self):
        for number in range(100):
            self.made += 1
            self.asked.release()
            yield number

    def wait(self, number):
        """Until ``number`` more items are begun; then no other follows for a while."""
        assert all(self.asked.acquire(timeout=10) for _ in range(number))
        assert not self.asked.acquire(timeout=0.05)


def test_it_stays_a_bounded_way_ahead():
    maker = Maker(depth=2)
    assert [next(maker.taken), next(maker.taken)] == [0, 1]
    maker.wait(4)
    next(maker.taken)
    maker.wait(1)
    maker.taken.close()
    assert maker.made == 5


@pytest.mark.parametrize(('budget', 'ahead'), [(100, 2), (71, 2), (70, 1), (35, 0), (1, 0)])
def test_what_waits_and_what_was_taken_last_weigh_no_more_than_the_budget(budget, ahead):
    maker = Maker(depth=2, budget=budget, weigh=lambda number: 35)
    for number in range(5):
        assert next(maker.taken) == number
        maker.wait(1 + ahead if number == 0 else 1)
        assert maker.made == number + 1 + ahead
    maker.taken.close()


def test_errors_arrive_after_the_items_before_them():
    def items():
        yield 1
        raise ValueError('broken')

    iterator = prefetch(items())
    assert next(iterator) == 1
    with pytest.raises(ValueError, match='broken'):
        next(iterator)


def test_closing_ends_the_thread_and_what_it_ran():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    iterator = prefetch(items())
    next(iterator)
    before = threading.active_count()
    iterator.close()
    assert closed.is_set()
    assert threading.active_count() == before - 1

"""Working ahead in a thread: order, bound, errors, and an end when nobody listens any more."""
import threading

import pytest

from mmqanet.utils.prefetch import ahead


def test_items_come_in_order_from_another_thread():
    threads = set()

    def items():
        for number in range(50):
            threads.add(threading.current_thread())
            yield number

    assert list(ahead(items(), depth=3)) == list(range(50))
    assert threading.current_thread() not in threads


def test_it_stays_a_bounded_way_ahead():
    made, gate = [], threading.Semaphore(0)

    def items():
        for number in range(100):
            made.append(number)
            if number == 4:
                gate.release()  # asked for although only one item is taken: two wait in the queue, one at its door
            yield number

    iterator = ahead(items(), depth=2)
    assert [next(iterator), next(iterator)] == [0, 1]
    assert gate.acquire(timeout=10)
    iterator.close()
    assert len(made) <= 6


def test_errors_arrive_after_the_items_before_them():
    def items():
        yield 1
        raise ValueError('broken')

    iterator = ahead(items())
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

    iterator = ahead(items())
    next(iterator)
    before = threading.active_count()
    iterator.close()
    assert closed.is_set()
    assert threading.active_count() == before - 1

"""A generator in a thread of its own."""

import threading
import time

import pytest

from cdfi.common.prefetch import prefetch


def test_items_come_in_order():
    assert list(prefetch(range(100), 3)) == list(range(100))


def test_an_error_follows_the_items_before_it():
    def items():
        yield 1
        yield 2
        raise OSError("broken")

    seen = []
    with pytest.raises(OSError, match="broken"):
        for item in prefetch(items(), 5):
            seen.append(item)
    assert seen == [1, 2]


def test_no_more_than_the_allowed_items_wait():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    flow = prefetch(items(), 2)
    next(flow)
    time.sleep(0.2)
    assert len(made) <= 5  # one used, two waiting, one in hand
    flow.close()


def test_a_consumer_that_stops_early_ends_the_thread_and_closes_the_generator():
    closed = threading.Event()

    def items():
        try:
            yield from range(10**9)
        finally:
            closed.set()

    before = threading.active_count()
    flow = prefetch(items(), 2)
    assert next(flow) == 0
    flow.close()
    assert closed.is_set()
    assert threading.active_count() == before


def test_chained_generators_end_together():
    closed = threading.Event()

    def items():
        try:
            yield from range(10**9)
        finally:
            closed.set()

    flow = prefetch((item for item in prefetch(items(), 2)), 2)
    next(flow)
    flow.close()
    assert closed.wait(5)

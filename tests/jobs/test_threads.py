"""Items worked on in threads."""

import threading

import pytest

from avssl_hub.jobs.threads import map_in_threads


def test_results_come_in_order_from_work_at_the_same_time():
    together = threading.Barrier(2, timeout=10)

    def work(item):
        together.wait()
        return item * item

    assert list(map_in_threads(work, range(6), 2)) == [0, 1, 4, 9, 16, 25]
    assert list(map_in_threads(work, [], 2)) == []


def test_each_thread_begins_once():
    begun = []
    list(map_in_threads(lambda item: None, range(20), 1, begin=lambda: begun.append(threading.get_ident())))
    assert len(begun) == 1
    assert begun[0] != threading.get_ident()


def test_an_error_comes_when_its_turn_does_and_ends_the_work():
    taken = []

    def work(item):
        taken.append(item)
        return 6 // (item - 2)

    results = map_in_threads(work, range(100), 1)
    assert [next(results), next(results)] == [-3, -6]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(taken) <= 4

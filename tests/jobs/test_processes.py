"""Work spread over processes: results in order, few at a time, and a crash costs its own task only."""

import os

from avssl_hub.jobs.processes import map_in_processes


def square(number):
    if number in (6, 7):
        os._exit(1)
    return number**2


def crashed(number):
    return f"{number} crashed"


def test_crashes_cost_only_their_own_tasks():
    results = list(map_in_processes(square, range(30), 2, crashed))
    expected = [n**2 for n in range(30)]
    expected[6], expected[7] = "6 crashed", "7 crashed"
    assert results == expected


def test_tasks_are_taken_as_they_are_needed():
    taken = []

    def tasks():
        for number in range(10, 10_000):
            taken.append(number)
            yield number

    results = map_in_processes(square, tasks(), 1, crashed)
    assert [next(results) for _ in range(3)] == [100, 121, 144]
    assert len(taken) < 50
    results.close()

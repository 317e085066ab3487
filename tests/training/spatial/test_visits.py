"""Visits: how recordings take turns, and which of their chunks they hand out."""

import numpy as np
import pytest

from avssl_hub.training.spatial.visits import TURNS, visits_of_step


def stream(num_items, chunks, count, batch_size=8, seed=3):
    steps = range(-(-count // batch_size))
    return [visit for step in steps for visit in visits_of_step(seed, step, num_items, batch_size, chunks)][:count]


@pytest.mark.parametrize("chunks", [1, 5])
def test_four_recordings_take_turns_and_each_hands_out_its_chunks(chunks):
    visits = stream(7, chunks, 3 * TURNS * chunks)
    times = np.arange(20) / 10
    for group in range(3):
        at_once = visits[group * TURNS * chunks : (group + 1) * TURNS * chunks]
        for thread in range(TURNS):
            own = at_once[thread::TURNS]
            assert [visit.place for visit in own] == list(range(chunks))
            assert len({visit.item for visit in own}) == 1
            assert len({visit.choose(times) for visit in own}) == chunks, "no time twice"


def test_each_of_the_four_comes_to_every_recording_before_it_returns_to_one():
    visits = stream(7, 2, 2 * 7 * TURNS * 2)
    for thread in range(TURNS):
        items = [visit.item for visit in visits[thread::TURNS]][::2]
        assert sorted(items[:7]) == sorted(items[7:]) == list(range(7))
        assert items[:7] != items[7:]


def test_chunks_do_not_depend_on_how_steps_are_cut():
    by_eight, by_three = (stream(5, 5, 48, batch_size=size) for size in (8, 3))
    assert [vars(visit) for visit in by_eight] == [vars(visit) for visit in by_three]
    assert [vars(visit) for visit in by_eight] != [vars(visit) for visit in stream(5, 5, 48, seed=4)]


def test_a_visit_returns_to_a_time_only_when_it_has_seen_them_all():
    chosen = [visit.choose(np.array([0.5, 0.6])) for visit in stream(3, 5, 20)[::TURNS]]
    assert set(chosen[:2]) == set(chosen[2:4]) == {0.5, 0.6}

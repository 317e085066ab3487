"""How a job's processes share items out, and when there is no job."""

import pytest

from avssl_hub.jobs.ranks import Ranks, joined_ranks


@pytest.mark.parametrize("size", [1, 2, 3, 8, 20])
def test_shares_are_even_disjoint_and_in_order(size):
    items = list(range(100, 113))
    shares = [Ranks(rank, size).share(items, seed=5) for rank in range(size)]
    assert sorted(item for share in shares for item in share) == items
    assert {len(share) for share in shares} <= {13 // size, 13 // size + 1}
    assert all(share == sorted(share) for share in shares)


def test_what_a_lost_process_left_is_shared_by_all_the_next_time():
    items = list(range(4000))
    left = set(Ranks(1, 4).share(items, seed=0))
    again = [len(left.intersection(Ranks(rank, 4).share(items, seed=3000))) for rank in range(4)]
    # Hypergeometric: a mean of 250 and a standard deviation of 11.9.
    assert all(190 < number < 310 for number in again)


@pytest.mark.parametrize("environment", [{}, {"RANK": "1", "WORLD_SIZE": "2"}, {"RANK": "0", "WORLD_SIZE": "1"}])
def test_without_a_job_nothing_is_waited_for(monkeypatch, environment):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with joined_ranks() as ranks:
        assert (ranks.first, ranks.size) == (True, 1)
        with ranks.first_goes_ahead():
            assert ranks.to_first("a") == ["a"]
            assert ranks.from_first("b") == "b"

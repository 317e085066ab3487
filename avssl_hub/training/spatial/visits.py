"""Which chunks a step sees: a recording is visited for a few of them, and recordings take turns.

The released feeder has four threads, each of which loops over the recordings in an order of its own, shuffles the
times of one, hands out five of them and goes on to the next; batches are cut from what all four hand out. Here they
take turns strictly, so that a step is a function of the seed.
"""

from functools import lru_cache

import numpy as np

from ..order import mixed_seed

# Recordings that are visited at the same time.
TURNS = 4


class Visit:
    """A look at a recording.

    Attributes:
        item: Which recording.
        place: How many chunks of it were handed out before, in this visit.
        seed: Of the order of its times, the same for the whole visit.
    """

    def __init__(self, item: int, place: int, seed: int):
        self.item, self.place, self.seed = item, place, seed

    def choose(self, times: np.ndarray) -> float:
        """Choose one of a recording's times; a visit returns to one only when it has seen them all."""
        order = np.random.default_rng(self.seed).permutation(len(times))
        return float(times[order[self.place % len(times)]])


def visits_of_step(seed: int, step: int, num_items: int, batch_size: int, chunks: int) -> list[Visit]:
    """List a step's chunks.

    Args:
        seed: The run's.
        step: Number of the step, from 0.
        num_items: Recordings there are.
        batch_size: Chunks a step.
        chunks: Chunks of a visit; 1 makes a batch's chunks independent of each other.

    Returns:
        ``batch_size`` visits.
    """
    found = []
    for number in range(step * batch_size, (step + 1) * batch_size):
        turn, place = divmod(number, TURNS * chunks)
        place, thread = divmod(place, TURNS)
        epoch, position = divmod(turn, num_items)
        item = int(_order(seed, thread, epoch, num_items)[position])
        found.append(Visit(item, place, mixed_seed(seed, 5, thread, turn)))
    return found


@lru_cache(maxsize=2 * TURNS)
def _order(seed: int, thread: int, epoch: int, num_items: int) -> np.ndarray:
    return np.random.default_rng([seed, 4, thread, epoch]).permutation(num_items)

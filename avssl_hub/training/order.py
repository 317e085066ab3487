"""Which items a step sees, and its random numbers: functions of the seed and the step alone."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


def items_of_step(seed: int, step: int, num_items: int, batch_size: int, clips_per_item: int = 1) -> Tensor:
    """Pick the items of a step: each epoch is a new order of all its clips, its incomplete last batch dropped.

    Args:
        seed: The run's.
        step: Number of the step, from 0.
        num_items: Items there are, N.
        batch_size: Clips a step, B.
        clips_per_item: Clips of each item in an epoch.

    Returns:
        Items, ``(B,)`` int64.
    """
    clips = num_items * clips_per_item
    epoch, position = divmod(step, clips // batch_size)
    order = _epoch_order(seed, epoch, clips)
    return torch.from_numpy(order[position * batch_size : (position + 1) * batch_size] % num_items)


@lru_cache(maxsize=1)
def _epoch_order(seed: int, epoch: int, clips: int) -> np.ndarray:
    return np.random.default_rng([seed, 0, epoch]).permutation(clips)


def mixed_seed(*numbers: int) -> int:
    """Make one seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)

"""How sure a mean is: its interval when what was tested is drawn anew."""

from collections.abc import Sequence

import numpy as np

DRAWS = 2_000


def mean_interval(parts: Sequence[tuple[np.ndarray, np.ndarray]], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a mean when groups of values are drawn anew, 2,000 times.

    A group is drawn with all its values, in all parts that have some, so near copies do not count as evidence of their
    own.

    Args:
        parts: Values (N,) and their groups (N,), one pair for each part; the mean is that over the parts' means.
        seed: Of the draws.
    """
    tested, groups = np.unique(np.concatenate([groups for _, groups in parts]), return_inverse=True)
    size = len(tested)
    draws = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), DRAWS).astype(float)
    total = np.zeros(DRAWS)
    first = 0
    for values, _ in parts:
        of_part = groups[first : first + len(values)]
        first += len(values)
        sums = np.bincount(of_part, values, size)
        drawn = draws @ np.bincount(of_part, minlength=size)
        # A small part may not be drawn at all.
        total += np.divide(draws @ sums, drawn, out=np.full(DRAWS, np.nan), where=drawn > 0)
    low, high = np.nanpercentile(total / len(parts), [2.5, 97.5])
    return float(low), float(high)

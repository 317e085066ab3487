"""The linear probe of any model: evenly spaced clips, pooled features, a support vector machine."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..answers import Answer
from ..linear_probe import COSTS, ConvergenceWarning, decision_values, fit_probe
from .pooled_clips import PooledClips
from .protocol import Clips


@dataclass(frozen=True)
class PooledProbe(PooledClips):
    """Standardised pooled features and a linear machine, its C chosen on a fifth of the training groups held out.

    Attributes:
        costs: Values of C to choose from.
    """

    costs: tuple[float, ...] = COSTS

    name: ClassVar[str] = "linear_probe"
    version: ClassVar[int] = 1

    def answer(self, train: Clips, test: np.ndarray, seed: int):
        clips, width = train.features.shape[1:]
        rows, labels, groups = train.features.reshape(-1, width), train.labels, train.groups
        with warnings.catch_warnings():
            # The notes say it of the machine that counts.
            warnings.simplefilter("ignore", ConvergenceWarning)
            machine, cost = fit_probe(rows, labels.repeat(clips), self.costs, seed, groups.repeat(clips))
        values = decision_values(machine, test.reshape(-1, width))
        converged = bool(machine[-1].n_iter_ < machine[-1].max_iter)
        return Answer.by_mean(values.reshape(*test.shape[:2], -1), {"cost": cost, "converged": converged})

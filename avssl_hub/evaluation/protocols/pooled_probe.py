"""The linear probes of any model: evenly spaced clips, pooled features, a support vector machine or a linear layer."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from ..answers import Answer
from ..linear_probe import ConvergenceWarning, LinearSVC, LogisticRegression, decision_values, fit_probe
from .pooled_clips import PooledClips
from .protocol import Clips


@dataclass(frozen=True)
class PooledProbe(PooledClips):
    """Standardised pooled features and a linear machine, its C chosen on a fifth of the training groups held out.

    Attributes:
        costs: Values of C to choose from; of equals the first.
    """

    # What papers choose from. Above 1 training takes minutes for thousands of clips and gains nothing; for few
    # recordings the smallest is too small, which a fifth of them may not show.
    costs: tuple[float, ...] = (0.1, 0.01, 1.0, 0.001)

    name: ClassVar[str] = "linear_probe"
    version: ClassVar[int] = 2
    classifier: ClassVar[Callable[..., LinearSVC | LogisticRegression]] = LinearSVC

    def answer(self, train: Clips, test: np.ndarray, seed: int):
        clips, width = train.features.shape[1:]
        rows, labels, groups = train.features.reshape(-1, width), train.labels, train.groups
        with warnings.catch_warnings():
            # The notes say it of the machine that counts.
            warnings.simplefilter("ignore", ConvergenceWarning)
            given = labels.repeat(clips), self.costs, seed, groups.repeat(clips), self.classifier
            machine, cost = fit_probe(rows, *given)
        values = decision_values(machine, test.reshape(-1, width))
        converged = bool(np.all(machine[-1].n_iter_ < machine[-1].max_iter))
        return Answer.by_mean(values.reshape(*test.shape[:2], -1), {"cost": cost, "converged": converged})


@dataclass(frozen=True)
class LinearLayer(PooledProbe):
    """The same with a linear layer and softmax in place of the machine, trained with weight decay to convergence."""

    costs: tuple[float, ...] = (1.0, 0.1, 10.0, 0.01)

    name: ClassVar[str] = "linear_layer"
    version: ClassVar[int] = 1
    classifier: ClassVar = staticmethod(partial(LogisticRegression, max_iter=2_000))

"""Few-shot classification: a linear machine on a handful of labelled recordings a class, drawn several times."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import InvalidValueError, explain
from ..answers import Answer
from ..linear_probe import LinearSVC, decision_values, standardised
from .pooled_clips import PooledClips
from .protocol import Clips

# So few recordings leave none to choose C on. Wherever they are separable by a wide margin C hardly counts; this one is
# in the middle of those that the linear probe chooses from.
COST = 0.1


@dataclass(frozen=True)
class FewShot(PooledClips):
    """All classes at once, told apart by the machine of the linear probe, which is given fewer labels and a fixed C.

    Recordings are drawn from the training side, of each class as many; those of a draw depend on the seed alone.
    Accuracy is the mean over the draws.

    Attributes:
        shots: Labelled recordings of a class.
        draws: How often they are drawn and a machine is trained.
    """

    shots: int = 5
    draws: int = 10

    name: ClassVar[str] = "few_shot"
    version: ClassVar[int] = 1

    def __post_init__(self):
        for name in ("shots", "draws"):
            if getattr(self, name) < 1:
                raise InvalidValueError(explain(f"setting {name} of {self.name}", getattr(self, name), "1 or more"))

    def answer(self, train: Clips, test: np.ndarray, seed: int):
        smallest = np.bincount(train.labels).min()
        if smallest < self.shots:
            got, rule = f"{smallest} to train on in the smallest class", f"{self.shots} or more of each"
            raise InvalidValueError(explain(f"recordings for {self.name}", got, rule, "Choose another protocol."))
        return Answer.of_draws([self._answer(train, test, [seed, draw]) for draw in range(self.draws)])

    def _answer(self, train: Clips, test: np.ndarray, seed: list[int]) -> Answer:
        shuffled = np.random.default_rng(seed).permutation(len(train.labels))
        shots = [shuffled[train.labels[shuffled] == label][: self.shots] for label in range(train.labels.max() + 1)]
        rows, width = np.concatenate(shots), test.shape[2]
        machine = standardised(LinearSVC(C=COST, random_state=0))
        machine.fit(train.features[rows].reshape(-1, width), train.labels[rows].repeat(train.features.shape[1]))
        return Answer.by_mean(decision_values(machine, test.reshape(-1, width)).reshape(*test.shape[:2], -1))

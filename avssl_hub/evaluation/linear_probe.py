"""Linear probe: how well a linear classifier reads the classes off frozen features."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import MissingExtraError, explain

try:
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC
except ModuleNotFoundError as error:
    raise MissingExtraError(
        explain("linear probe", "no scikit-learn", "the extra 'metrics'", "Run: pip install 'avssl-hub[metrics]'")
    ) from error

COSTS = (0.01, 0.1, 1.0, 10.0)


class ProbeResult(NamedTuple):
    """Accuracy on the test set, 0 to 1, and the cost parameter that was chosen."""

    accuracy: float
    cost: float


def linear_probe(
    train_features: np.ndarray,
    train_labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    costs: Sequence[float] = COSTS,
    seed: int = 0,
) -> ProbeResult:
    """Train a one-against-rest linear support vector machine on standardised features and test it.

    The cost parameter is the one that does best on a fifth of the training set held out, the smallest where several do;
    the machine is then trained on the whole training set. The test set is looked at once.

    Args:
        train_features: (N, D).
        train_labels: (N,) integers.
        test_features: (M, D).
        test_labels: (M,) integers.
        costs: Values of C to choose from.
        seed: Seed of the hold-out and of the solver.
    """
    fit_x, held_x, fit_y, held_y = train_test_split(
        train_features, train_labels, test_size=0.2, random_state=seed, stratify=train_labels
    )

    def machine(cost):
        return make_pipeline(StandardScaler(), LinearSVC(C=cost, random_state=seed))

    cost = max(sorted(costs), key=lambda cost: machine(cost).fit(fit_x, fit_y).score(held_x, held_y))
    final = machine(cost).fit(train_features, train_labels)
    return ProbeResult(float(final.score(test_features, test_labels)), cost)

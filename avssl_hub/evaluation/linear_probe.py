"""Linear probe: how well a linear classifier reads the classes off frozen features."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import InvalidValueError, MissingExtraError, explain

try:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, LinearSVC
except ModuleNotFoundError as error:
    raise MissingExtraError(
        explain("linear probe", "no scikit-learn", "the extra 'metrics'", "Run: pip install 'avssl-hub[metrics]'")
    ) from error

__all__ = [
    "COSTS",
    "SVC",
    "ConvergenceWarning",
    "LinearSVC",
    "LogisticRegression",
    "ProbeResult",
    "decision_values",
    "fit_probe",
    "held_out_groups",
    "linear_probe",
    "standardised",
]

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

    The cost parameter is the one that does best on a fifth of the training set held out, the first where several do;
    the machine is then trained on the whole training set. The test set is looked at once.

    Args:
        train_features: (N, D).
        train_labels: (N,) integers.
        test_features: (M, D).
        test_labels: (M,) integers.
        costs: Values of C to choose from.
        seed: Seed of the hold-out and of the solver.
    """
    machine, cost = fit_probe(train_features, train_labels, costs, seed)
    return ProbeResult(float(machine.score(test_features, test_labels)), cost)


def fit_probe(
    features: np.ndarray,
    labels: np.ndarray,
    costs: Sequence[float] = COSTS,
    seed: int = 0,
    groups: np.ndarray | None = None,
    classifier: Callable[..., LinearSVC | LogisticRegression] = LinearSVC,
) -> tuple[Pipeline, float]:
    """Train the machine of :func:`linear_probe`, or another.

    Args:
        features: (N, D).
        labels: (N,) integers.
        costs: Values of C to choose from.
        seed: Seed of the hold-out and of the solver.
        groups: (N,) integers; rows that look alike, as the clips of one recording do, share one, and are held out
            together.
        classifier: Makes what is trained on the standardised features, from ``C`` and ``random_state``.

    Returns:
        The machine, trained on all rows, and the C that was chosen.

    Raises:
        InvalidValueError: There are too few groups to hold any out.
    """
    if groups is None:
        rows = np.arange(len(labels))
        fit, held = train_test_split(rows, test_size=0.2, random_state=seed, stratify=labels)
    else:
        fit, held = held_out_groups(labels, groups, seed)

    def machine(cost):
        return standardised(classifier(C=cost, random_state=seed))

    def held_out_accuracy(cost):
        return machine(cost).fit(features[fit], labels[fit]).score(features[held], labels[held])

    cost = max(costs, key=held_out_accuracy)
    return machine(cost).fit(features, labels), cost


def standardised(classifier: LinearSVC | LogisticRegression) -> Pipeline:
    """Put standardisation by the training rows before a classifier."""
    return make_pipeline(StandardScaler(), classifier)


def held_out_groups(labels: np.ndarray, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hold a fifth of the groups out, as many of each class as that allows; more where there are fewer than five.

    Args:
        labels: (N,) integers.
        groups: (N,) integers.
        seed: Of the draw.

    Returns:
        Rows to train on, of at least two classes, and rows that are held out.

    Raises:
        InvalidValueError: There are too few groups to hold any out.
    """
    count = len(np.unique(groups))
    rows = np.unique(labels, return_counts=True)[1].max()
    if min(count, rows) > 1:
        folds = StratifiedGroupKFold(n_splits=min(5, count, rows), shuffle=True, random_state=seed)
        for fit, held in folds.split(labels, labels, groups):
            if len(held) and len(np.unique(labels[fit])) > 1:
                return fit, held
    rule = "enough to hold some out and still train on two classes"
    raise InvalidValueError(explain("groups to choose settings with", count, rule))


def decision_values(machine: Pipeline | LinearSVC, features: np.ndarray) -> np.ndarray:
    """Return how far each row lies on the side of each class, (N, classes), also where there are only two."""
    values = machine.decision_function(features)
    return np.stack([-values, values], axis=1) if values.ndim == 1 else values

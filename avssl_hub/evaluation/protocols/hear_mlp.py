"""HEAR's probe: one embedding a recording, and a shallow network chosen on a validation fold."""

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import torch

from ...errors import InvalidValueError, explain
from ..answers import Answer
from ..encoder import Modality
from ..linear_probe import held_out_groups
from ..shallow_mlp import fit_shallow_mlp
from .pooled_clips import PooledClips
from .protocol import Clips


@dataclass(frozen=True)
class HearMLP(PooledClips):
    """The shallow network that HEAR (2021) reads scene embeddings with.

    Of data in folds, fold k is tested, the one after it validates, the others train; of other data a fifth of the
    training groups validates. A model that takes recordings whole gives one embedding; of others it is the mean over
    the clips.

    What networks are tried, dropout, patience and the most epochs are as described of HEAR. Recalled, not read, are
    the width of 1,024, batches of 1,024, batch norm, Xavier weights, and a check every third epoch, which patience
    counts. Unlike HEAR's own code, as recalled, every point of the grid is tried, and on every fold anew.

    Attributes:
        hidden_layers: Numbers of hidden layers to choose from.
        learning_rates: Likewise of Adam.
        dropout: Share of hidden units left out in training.
        patience: Checks without gain after which training ends.
        epochs: The most there are.
    """

    hidden_layers: tuple[int, ...] = (1, 2)
    learning_rates: tuple[float, ...] = (3.2e-3, 1e-3, 3.2e-4, 1e-4)
    dropout: float = 0.1
    patience: int = 20
    epochs: int = 500

    name: ClassVar[str] = "hear_mlp"
    version: ClassVar[int] = 1
    modalities: ClassVar[tuple[Modality, ...]] = ("audio",)

    def answer(self, train: Clips, test: np.ndarray, seed: int):
        fit, held = _parts(train, seed)
        features, labels = torch.from_numpy(train.features.mean(1)), torch.from_numpy(train.labels)

        def trained(hidden_layers: int, learning_rate: float):
            return fit_shallow_mlp(
                (features[fit], labels[fit]),
                (features[held], labels[held]),
                int(labels.max()) + 1,
                hidden_layers=hidden_layers,
                learning_rate=learning_rate,
                dropout=self.dropout,
                patience=self.patience,
                epochs=self.epochs,
                seed=seed,
            )

        tried = {point: trained(*point) for point in product(self.hidden_layers, self.learning_rates)}
        (layers, rate), best = max(tried.items(), key=lambda item: item[1].accuracy)
        with torch.inference_mode():
            values = best.network.eval()(torch.from_numpy(test.mean(1))).numpy()
        notes = {"hidden_layers": layers, "learning_rate": rate, "epoch": best.epoch, "validation": best.accuracy}
        return Answer.by_value(values, notes)


def _parts(train: Clips, seed: int) -> tuple[np.ndarray, np.ndarray]:
    if train.valid is None:
        return held_out_groups(train.labels, train.groups, seed)
    fit, held = np.flatnonzero(~train.valid), np.flatnonzero(train.valid)
    classes = len(np.unique(train.labels[fit]))
    if classes < 2:
        rule = "two or more, in the folds that are neither tested nor validate"
        raise InvalidValueError(explain("classes to train on", classes, rule))
    return fit, held

"""What happens in a recording, by a model fine-tuned to tell: nothing is trained, and its own classes count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from ...errors import InvalidValueError, explain, some_of
from ..answers import Answer
from ..encoder import Encoder
from .pooled_clips import PooledClips
from .protocol import Clips

FEATURES_VERSION = 1
PROBABILITIES, HEARD = "probabilities", "heard"  # what is kept of each clip


@dataclass(frozen=True)
class Recognition(PooledClips):
    """The class of a recording is that of the mean of its clips' class probabilities.

    Only recordings to test on are looked at: the model was fine-tuned before, on those to train on.

    Attributes:
        first_split: That split 1 alone is tested: a model fine-tuned for it has learned what the others test.
    """

    first_split: Literal[True] = True

    name: ClassVar[str] = "recognition"
    version: ClassVar[int] = 1
    selection: ClassVar[str] = "the model's own classes, to which nothing is trained"

    def feature_settings(self) -> dict[str, Any]:
        return {"features": self.name, "version": FEATURES_VERSION, "clips": self.clips}

    def scored(self, splits):
        return splits[:1]

    def features(self, encoded):
        found = {PROBABILITIES: encoded.scores.float().softmax(1)}
        return found if encoded.heard is None else {**found, HEARD: encoded.heard}

    def answer(self, train: Clips | None, test: np.ndarray, seed: int):
        return Answer.by_mean(test)


def places_of(encoder: Encoder, title: str, classes: Sequence[str]) -> np.ndarray:
    """Find the classes of the data among the model's own.

    Args:
        encoder: The model.
        title: What messages call it.
        classes: Those of the data.

    Returns:
        (classes,) the place of each in :attr:`Encoder.classes`.

    Raises:
        InvalidValueError: The model has other classes, or none.
    """
    unknown = sorted(set(classes) - set(encoder.classes))
    beyond = sorted(set(encoder.classes) - set(classes))
    if unknown or beyond:
        differences = {"missing": unknown, "more": beyond}
        parts = [f"{len(names)} {what} ({some_of(names)})" for what, names in differences.items() if names]
        got = f"{len(encoder.classes)} classes, {' and '.join(parts)}" if encoder.classes else "no classes"
        step = "Give the folder that fine-tuning on these data wrote, as avssl train multisensory/ucf101 does."
        raise InvalidValueError(explain(f"classes of model {title}", got, f"the {len(classes)} of the data", step))
    return np.array([encoder.classes.index(name) for name in classes])

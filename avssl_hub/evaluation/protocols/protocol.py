"""What every protocol says."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch

from ...data.clips import Span
from ...media import MediaReader
from ..answers import Answer, Split
from ..encoder import Encoded, Encoder, Modality


class Clips(NamedTuple):
    """Features of the same number of clips of several recordings.

    Attributes:
        features: (recordings, clips, D) float32.
        labels: (recordings,) integers.
        groups: (recordings,) integers; near copies of each other share one.
        valid: (recordings,) whether the data set's protocol holds a recording out to choose settings on; None where it
            does not say.
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    valid: np.ndarray | None = None


class Protocol(ABC):
    """Which clips of a recording are looked at, which features of them are taken, and what classifies these.

    A subclass is a frozen dataclass: its fields are the settings that papers vary, and make part of what scores are
    known by.

    Attributes:
        name: What it is called in tasks and results.
        version: Raised whenever a change moves features or scores.
        modalities: What it can score.
        parts: Kinds of clips a recording is cut into; the first to train on, the last to test on.
        metric: What the accuracy of recordings is called.
        cutoffs: Further figures, and how many guesses each allows.
        selection: Which of several layers is reported, and how that is chosen.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    modalities: ClassVar[tuple[Modality, ...]]
    parts: ClassVar[tuple[str, ...]]
    metric: ClassVar[str] = "top-1 accuracy"
    cutoffs: ClassVar[Mapping[str, int]] = MappingProxyType({"top-5": 5})
    selection: ClassVar[str]

    def feature_settings(self) -> dict[str, Any]:
        """Tell what of the protocol decides features; protocols that tell the same share them."""
        return {"features": self.name, "version": self.version, **asdict(self)}

    def scored(self, splits: Sequence[Split]) -> Sequence[Split]:
        """Choose the splits to score among those there are, in their order."""
        return splits

    @abstractmethod
    def inputs(
        self,
        reader: MediaReader,
        span: Span,
        encoder: Encoder,
        modality: Modality,
        part: str,
        generator: torch.Generator,
    ) -> dict[str, torch.Tensor]:
        """Cut a recording into clips and prepare them for the model.

        Args:
            reader: The open recording, which has a stream of that modality.
            span: From when to when it lasts, in seconds.
            encoder: The model.
            modality: What is scored.
            part: One of :attr:`parts`.
            generator: Source of randomness.

        Returns:
            The model's inputs, a row a clip.
        """

    @abstractmethod
    def features(self, encoded: Encoded) -> dict[str, torch.Tensor]:
        """Take the features of each layer, (clips, D), from what the model made of clips.

        Raises:
            InvalidValueError: The model returns no such features.
        """

    @abstractmethod
    def answer(self, train: Clips, test: np.ndarray, seed: int) -> Answer:
        """Train on clips of one layer and rate others.

        Args:
            train: What to train on; its labels are 0 to classes - 1, each of them at least once.
            test: (recordings, clips, D).
            seed: Seed of the solver and of hold-outs.
        """

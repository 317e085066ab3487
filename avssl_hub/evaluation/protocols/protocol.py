"""What every protocol says."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch

from ...data.clips import Span
from ...media import MediaReader

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin
    from transformers.utils import ModelOutput

Modality = Literal["audio", "video"]


class Clips(NamedTuple):
    """Features of the same number of clips of several recordings.

    Attributes:
        features: (recordings, clips, D) float32.
        labels: (recordings,) integers.
        groups: (recordings,) integers; near copies of each other share one.
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


class Protocol(ABC):
    """Which clips of a recording are looked at, which features of them are taken, and what classifies these.

    A subclass is a frozen dataclass: its fields are the settings that papers vary, and make part of what features
    and scores are known by.

    Attributes:
        name: What it is called in tasks and results.
        version: Raised whenever a change moves features or scores.
        modalities: What it can score.
        parts: Kinds of clips a recording is cut into; the first to train on, the last to test on.
        selection: Which of several layers is reported, and how that is chosen.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    modalities: ClassVar[tuple[Modality, ...]]
    parts: ClassVar[tuple[str, ...]]
    selection: ClassVar[str]

    @abstractmethod
    def inputs(
        self,
        reader: MediaReader,
        span: Span,
        processor: "FeatureExtractionMixin",
        modality: Modality,
        part: str,
        generator: torch.Generator,
    ) -> dict[str, torch.Tensor]:
        """Cut a recording into clips and prepare them for the model.

        Args:
            reader: The open recording, which has a stream of that modality.
            span: From when to when it lasts, in seconds.
            processor: The model's processor.
            modality: What is scored.
            part: One of :attr:`parts`.
            generator: Source of randomness.

        Returns:
            The model's inputs, a row a clip.
        """

    @abstractmethod
    def features(self, output: "ModelOutput", modality: Modality) -> dict[str, torch.Tensor]:
        """Take the features of each layer, (clips, D), from what the model returned with its feature maps.

        Raises:
            InvalidValueError: The model returns no such features.
        """

    @abstractmethod
    def classify(self, train: Clips, test: np.ndarray, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
        """Train on clips of one layer and rate others.

        Args:
            train: What to train on; its labels are 0 to classes - 1, each of them at least once.
            test: (recordings, clips, D).
            seed: Seed of the solver and of hold-outs.

        Returns:
            Decision values (recordings, clips, classes), and what is worth noting of the training.
        """

"""What every protocol says that measures a model's answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...data.manifest import Manifest, ManifestItem
from ..scored_model import ScoredModel


class LeftOut(Exception):
    """A trial has no score; the text is the reason, by which such trials are counted."""


@dataclass(frozen=True)
class Trial:
    """What is put to a model once.

    Attributes:
        rows: Of the manifest; the first is the recording that the trial counts for.
        truth: What the answer is measured against, beyond the recordings.
    """

    rows: tuple[int, ...]
    truth: Mapping[str, Any] = field(default_factory=dict)


class MeasuredProtocol(ABC):
    """Which trials a list of recordings makes, and how an answer is measured.

    A subclass is a frozen dataclass: its fields are settings, and make part of what scores are known by.

    Attributes:
        name: What it is called in tasks and results.
        version: Raised whenever a change moves scores.
        modalities: What it can score.
        metric: Which figure is the score.
        selection: What is reported.
        model: What of a model it needs.
        from_zoo: Makes that of a model of this zoo.
        baselines: Answers without a model, by name.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    modalities: ClassVar[tuple[str, ...]] = ("both",)
    metric: ClassVar[str]
    selection: ClassVar[str] = "the model's answer, to which nothing is trained"
    model: ClassVar[type[ScoredModel]]
    from_zoo: ClassVar[type[ScoredModel]]
    baselines: ClassVar[Mapping[str, type[ScoredModel]]]

    @abstractmethod
    def trials(self, manifest: Manifest) -> list[Trial]:
        """Make the trials of some recordings.

        Raises:
            InvalidValueError: The list lacks what is needed.
        """

    @abstractmethod
    def measure(self, items: list[ManifestItem], truth: Mapping[str, Any], model: ScoredModel) -> dict[str, float]:
        """Put a trial to a model and return its figures by name, :attr:`metric` among them.

        Args:
            items: The recordings of the trial's rows.
            truth: That of the trial.
            model: The model.

        Raises:
            LeftOut: The trial cannot be scored, whatever the model.
            MediaError: A recording cannot be read, or lacks picture or sound.
        """

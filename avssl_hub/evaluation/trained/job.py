"""What training and testing share for all splits of a run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from ...jobs.ranks import Ranks
from ..encoder import Encoder
from .protocol import TrainedProtocol

Bar = Callable[[str, str], AbstractContextManager[Callable[..., object]]]


@dataclass(frozen=True)
class Job:
    """A protocol at work on a model.

    Attributes:
        protocol: The protocol.
        encoder: The model, for clips of the protocol's form; it stays as it is.
        folder: Keeps runs, weights and test scores.
        bar: ``bar(label, unit)`` shows progress.
        seed: Seed of all that is drawn.
        ranks: The processes of the job; training and test are shared out among them.
    """

    protocol: TrainedProtocol
    encoder: Encoder
    folder: Path
    bar: Bar
    seed: int = 0
    ranks: Ranks = field(default_factory=Ranks)

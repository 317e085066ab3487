"""Showing that a checkpoint is what its card says: its files by hashes, and what it computes by golden outputs."""

import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from . import golden, zoo
from ._cards import Original, Parity
from ._loading import hashed_files, load_strictly, model_class
from .errors import CheckpointError, explain
from .hub import sha256_of


@dataclass(frozen=True)
class FileCheck:
    """A file's hash and the one that the card lists; None where there is no such file or no such line."""

    name: str
    sha256: str | None
    expected: str | None

    @property
    def problem(self) -> str:
        """What is wrong, in a few words; empty if nothing is."""
        if self.sha256 is None:
            return f"{self.name} is missing"
        if self.expected is None:
            return f"{self.name} is not in the card's list"
        return "" if self.sha256 == self.expected else f"{self.name} has sha256 {self.sha256}, not {self.expected}"


@dataclass(frozen=True)
class StageCheck:
    """An intermediate tensor or output: the largest error and the allowed, as shares of its largest value."""

    name: str
    shape: tuple[int, ...]
    error: float
    tolerance: float

    @property
    def problem(self) -> str:
        """What is wrong, in a few words; empty if nothing is."""
        if self.error <= self.tolerance:
            return ""
        return f"{self.name} differs by {self.error:.1e} of its largest value, {self.tolerance:.0e} is allowed"


@dataclass(frozen=True)
class Certificate:
    """The result of :func:`verify`.

    Attributes:
        name: The checkpoint, as its card names it.
        folder: Where it lies.
        date: Day of the check.
        torch: Version of the library that computed it.
        original: The authors' code and file; None for weights of our own training.
        parity: How far the conversion was from a second statement of the network.
        recording: When, by what and of what the golden outputs were recorded; None where files are not as listed.
        files: Every file that a card vouches for.
        stages: Every intermediate and output, in the order of computation; empty where files are not as listed, as
            nothing is computed from those.
    """

    name: str
    folder: Path
    date: str
    torch: str
    original: Original | None
    parity: Parity | None
    recording: golden.Recording | None
    files: tuple[FileCheck, ...]
    stages: tuple[StageCheck, ...]

    @property
    def problems(self) -> list[str]:
        """All that is wrong, each with the name of the file or the stage."""
        return [check.problem for check in (*self.files, *self.stages) if check.problem]

    @property
    def worst(self) -> StageCheck | None:
        """The stage that comes closest to its tolerance, or exceeds it most."""
        return max(self.stages, key=lambda stage: stage.error / stage.tolerance, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        told = asdict(self) | {"folder": str(self.folder), "problems": self.problems, "verified": not self.problems}
        if self.recording:
            # What was compared says the same and more.
            del told["recording"]["stages"]
        return told


def verify(name: str | Path, *, revision: str | None = None) -> Certificate:
    """Check a checkpoint's files, then run it on its golden input and compare every intermediate and output.

    Files are compared with the hashes in the checkpoint's card, and nothing is opened where one differs.

    Args:
        name: Catalogue name, folder or Hub repository; see :func:`avssl_hub.zoo.resolve`.
        revision: Branch, tag or commit on the Hub.

    Returns:
        The certificate; its ``problems`` are empty if all is well.

    Raises:
        CheckpointError: There is no card, or files that are as listed cannot be read.
        AvsslError: As :func:`avssl_hub.load` raises where it does not find the checkpoint.
    """
    folder, card = zoo.find(name, revision)
    if card is None:
        step = "Only checkpoints with a card of this package can be verified."
        raise CheckpointError(explain(f"model folder {folder}", "no card", "README.md with our header", step))
    present = {path.name: path for path in hashed_files(folder)}
    files = tuple(
        FileCheck(file, sha256_of(present[file]) if file in present else None, card.files.get(file))
        for file in sorted({*card.files, *present, golden.GOLDEN_FILE})
    )
    recording, stages = None, ()
    if not any(check.problem for check in files):
        known = golden.read(folder / golden.GOLDEN_FILE)
        recording = known.recording
        errors = known.errors(load_strictly(model_class(folder, card), folder, dtype=torch.float32))
        stages = tuple(
            StageCheck(stage.name, stage.shape, errors[stage.name], stage.tolerance) for stage in recording.stages
        )
    return Certificate(
        name=card.name,
        folder=folder,
        date=datetime.date.today().isoformat(),
        torch=torch.__version__,
        original=card.original,
        parity=card.parity,
        recording=recording,
        files=files,
        stages=stages,
    )

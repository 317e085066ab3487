"""Golden outputs: a small recorded run of a checkpoint, by which anyone can see that it still computes the same.

``golden.safetensors`` beside the weights holds an input in whole, and of every intermediate and output some values.
"""

import datetime
import inspect
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from . import __version__
from ._cards import parse
from ._loading import load_strictly, model_class
from ._stages import run_stages
from .errors import CheckpointError, explain
from .hub import sha256_of
from .outputs import replacing

GOLDEN_FILE = "golden.safetensors"
TOLERANCE = 1e-4  # of a stage's largest value; processors and their libraries differ by some 1e-6
_VALUES = 128  # a stage, at even distances
_STEP = 1 / 64  # of inputs, so that a byte holds one
_KEY, _INPUT, _STAGE = "golden", "input/", "stage/"


@dataclass(frozen=True)
class Stage:
    """One tensor of the run: its shape, the largest absolute value in it, and the allowed error as a share of that."""

    name: str
    shape: tuple[int, ...]
    largest: float
    tolerance: float


@dataclass(frozen=True)
class Recording:
    """How and of what the run was recorded.

    Attributes:
        model: Class of the network.
        input: Where the input comes from.
        date: Day of the recording.
        versions: Of the libraries that computed it.
        made_from: sha256 by name of the config and the weights.
        converter_commit: Commit of the converters, of a converted checkpoint, if it is known.
        stages: All tensors, in the order of computation.
    """

    model: str
    input: str
    date: str
    versions: dict[str, str]
    made_from: dict[str, str]
    converter_commit: str | None
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Golden:
    """A recording with its tensors: inputs by argument, and the values kept of each stage."""

    recording: Recording
    inputs: dict[str, torch.Tensor]
    values: dict[str, torch.Tensor]

    def errors(self, model: nn.Module) -> dict[str, float]:
        """Run a network on the input and compare.

        Returns:
            The largest error of each stage, as a share of the stage's largest value; infinite where the network has
            no such stage or one of another shape.
        """
        actual = run_stages(model, self.inputs, _Kept)
        return {stage.name: self._error(stage, actual.get(stage.name)) for stage in self.recording.stages}

    def _error(self, stage: Stage, actual: "_Kept | None") -> float:
        if actual is None or actual.shape != stage.shape:
            return math.inf
        expected = self.values[stage.name]
        difference = actual.values - expected
        if stage.name.endswith("phases"):
            # Angles meet at plus and minus pi.
            difference = torch.remainder(difference + math.pi, 2 * math.pi) - math.pi
        # What overflowed or is not defined has to do so again.
        same = (actual.values == expected) | (actual.values.isnan() & expected.isnan())
        error = difference.abs().masked_fill(same, 0.0).max().item() / max(stage.largest, 1e-12)
        return error if error == error else math.inf


class _Kept:
    """Some values of a tensor, and what is needed to judge errors by."""

    def __init__(self, tensor: torch.Tensor):
        flat = tensor.detach().flatten()
        places = torch.linspace(0, flat.numel() - 1, min(_VALUES, flat.numel()), dtype=torch.float64).long()
        self.shape = tuple(tensor.shape)
        self.values = flat[places].float().clone()
        finite = flat[flat.isfinite()]
        self.largest = finite.abs().max().item() if finite.numel() else 1.0


def record(folder: Path, converter_commit: str | None = None) -> Path:
    """Write the golden outputs of the checkpoint in a folder, unless those there are of its config and weights.

    Args:
        folder: Holds ``config.json`` and ``model*.safetensors``.
        converter_commit: Commit of the converters that made the weights.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
        OutputError: The file cannot be written.
    """
    path = folder / GOLDEN_FILE
    files = [folder / "config.json", *sorted(folder.glob("model*.safetensors"))]
    made_from = {file.name: sha256_of(file) for file in files}
    if path.exists() and _is_of(path, made_from):
        return path
    model = load_strictly(model_class(folder, None), folder, dtype=torch.float32)
    # Some classes of a family take less than others.
    taken = inspect.signature(model.forward).parameters
    codes = {name: _codes(value) for name, value in model.dummy_inputs.items() if name in taken}
    kept = run_stages(model, _decoded(codes), _Kept)
    recording = Recording(
        model=type(model).__name__,
        input=f"dummy_inputs of {type(model).__name__} (normal noise, seed 0), rounded to {_STEP:g}",
        date=datetime.date.today().isoformat(),
        versions={"avssl_hub": __version__, "torch": torch.__version__},
        made_from=made_from,
        converter_commit=converter_commit,
        stages=tuple(Stage(name, value.shape, value.largest, TOLERANCE) for name, value in kept.items()),
    )
    tensors = {f"{_INPUT}{name}": value for name, value in codes.items()}
    tensors |= {f"{_STAGE}{name}": value.values for name, value in kept.items()}
    with replacing(path) as partial:
        save_file(tensors, partial, {_KEY: json.dumps(asdict(recording))})
    return path


def _is_of(path: Path, made_from: Mapping[str, str]) -> bool:
    try:
        return recording_of(path).made_from == made_from
    except CheckpointError:
        return False  # A damaged file is no reason to keep one.


def recording_of(path: Path) -> Recording:
    """Read how golden outputs were recorded, and none of the tensors.

    Raises:
        CheckpointError: The file is none of these, or damaged.
    """
    with _opened(path) as (_, recording):
        return recording


def read(path: Path) -> Golden:
    """Read golden outputs.

    Raises:
        CheckpointError: The file is none of these, or damaged.
    """
    with _opened(path) as (file, recording):
        inputs = [name for name in file.keys() if name.startswith(_INPUT)]  # noqa: SIM118 (it is no mapping)
        codes = {name.removeprefix(_INPUT): file.get_tensor(name) for name in inputs}
        values = {stage.name: file.get_tensor(f"{_STAGE}{stage.name}") for stage in recording.stages}
    return Golden(recording, _decoded(codes), values)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[safe_open, Recording]]:
    try:
        with safe_open(path, "pt") as file:
            yield file, parse(Recording, json.loads((file.metadata() or {})[_KEY]), str(path))
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        step = "Get the checkpoint again, or record them with `python -m avssl_hub.cards --fill NAME`."
        got = f"{type(error).__name__}: {error}"
        raise CheckpointError(explain(f"golden outputs {path}", got, "a file that record() wrote", step)) from error


def _codes(values: torch.Tensor) -> torch.Tensor:
    return (values / _STEP).round().clamp(-127, 127).to(torch.int8)


def _decoded(codes: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.float() * _STEP for name, value in codes.items()}

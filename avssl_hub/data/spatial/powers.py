"""Which times of a recording are worth a chunk."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

from ...errors import explain
from .errors import SpatialFolderError
from .rules import ChunkRules

# Chunks begin ten times a second, the first one half a second in.
CHUNKS_PER_SECOND = 10
FIRST_SECONDS = 0.5
EVALUATED = 10  # one in so many chunks
THRESHOLD, STREET_THRESHOLD = 0.2, 0.01


@dataclass(frozen=True)
class ChunkPowers:
    """The chunks a recording has, and how loud they are.

    Attributes:
        times: Start of each chunk in seconds, rising.
        powers: Root mean square of W in each chunk.
    """

    times: tuple[float, ...]
    powers: tuple[float, ...]

    def training(self, threshold: float) -> list[float]:
        """Times of the chunks that are louder than ``threshold``."""
        return [time for time, power in zip(self.times, self.powers) if power > threshold]

    def evaluation(self) -> list[float]:
        """Times that are evaluated: every tenth chunk, silent or not."""
        return list(self.times[::EVALUATED])

    def deploy(self, start: float, duration: float | None = None) -> list[float]:
        """Times of all chunks from ``start`` on for ``duration`` seconds; to the end if that is None.

        There is no chunk in the first half second, so that a start there gives that much less.
        """
        end = float("inf") if duration is None else start + duration
        return [time for time in self.times if start <= time < end]


def shifted_to(times: list[float], start: float) -> list[float]:
    """Move times so that the first is ``start``, as the released deploy script does with what ``deploy`` gives."""
    return [time - times[0] + start for time in times]


def contiguous_parts(times: list[float], parts: int) -> list[list[float]]:
    """Share times out to several readers, each a run of them; the first get one more if there is a rest."""
    size, more = divmod(len(times), parts)
    bounds = [number * size + min(number, more) for number in range(parts + 1)]
    return [times[begin:end] for begin, end in pairwise(bounds)]


def measure_powers(read: Callable[[int, int], torch.Tensor], seconds: int, rules: ChunkRules) -> ChunkPowers:
    """Measure the chunks of a recording.

    Args:
        read: Gives channels from a sample on, so and so many, W first, such as :meth:`SpatialFolder.sound`.
        seconds: Whole seconds of the recording.
        rules: Where its chunks begin.
    """
    number = CHUNKS_PER_SECOND * (seconds - 1)
    times = tuple(chunk / CHUNKS_PER_SECOND + FIRST_SECONDS for chunk in range(number))
    parts = (read(rules.sample(time), rules.chunk_samples)[0] for time in times)
    return ChunkPowers(times, tuple(part.double().square().mean().sqrt().item() for part in parts))


def parse_powers(text: str, name: str) -> ChunkPowers:
    """Read ``audio_pow.lst``: a line a chunk, with its time and its power.

    Raises:
        SpatialFolderError: A line is something else; ``name`` is what the text calls the list.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            time, power = map(float, line.split())
        except ValueError:
            rule = "a time in seconds and a power"
            raise SpatialFolderError(explain(f"list {name}, line {number}", repr(line), rule)) from None
        rows.append((time, power))
    times, powers = zip(*rows) if rows else ((), ())
    return ChunkPowers(times, powers)


def format_powers(chunks: ChunkPowers) -> str:
    """Write the text that ``parse_powers`` reads."""
    return "".join(f"{time:g} {power!r}\n" for time, power in zip(chunks.times, chunks.powers))


def silence_threshold(dataset: str) -> float:
    """Power that chunks of a data set must exceed in training: less for the street recordings, which are quieter."""
    return STREET_THRESHOLD if "REC-Street" in dataset else THRESHOLD

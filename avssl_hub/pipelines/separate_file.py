"""One file in, a folder out: sounds, films with each of them, and a picture of the spectrograms."""

import wave
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch

from ..jobs.interrupts import heard_interrupts
from ..media.replace_sound import replace_sound
from ..outputs import filling
from .separate import SeparationPipeline
from .separation_figure import draw_separation

MIXTURE = "mixture"
PICTURE = "spectrogram.png"


@dataclass(frozen=True)
class SeparationReport:
    """What was written.

    Attributes:
        out: The folder.
        files: Names of the files in it.
        seconds: Length of the sounds.
        clipped: Samples beyond ±1, which 16 bits cannot hold and were cut.
        notes: What is missing or odd, and where; empty if nothing is.
    """

    out: Path
    files: tuple[str, ...]
    seconds: float
    clipped: int
    notes: tuple[str, ...]


def separate_file(
    pipe: SeparationPipeline,
    source: str | PathLike,
    out: str | PathLike,
    mask: str | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> SeparationReport:
    """Separate a file of any length into a folder, in bounded memory.

    It gets ``on_screen`` and ``off_screen``, or ``track_1`` and ``track_2`` of a blind model, each as wav (mono,
    16 bit, the network's sampling rate, as long as the file's sound) and, if the file has a picture, as mp4 with it;
    ``mixture.wav``, which was separated; and ``spectrogram.png``. All appear at the end, or none.

    Args:
        pipe: The pipeline.
        source: The file.
        out: The folder, which must be new or empty.
        mask: See ``SeparationPipeline.__call__``.
        force: Whether ``out`` may hold files; those of the same names are replaced.
        progress: Called with the windows done and of all.

    Returns:
        What was written.

    Raises:
        OutputError: The folder cannot be written, or holds files and ``force`` is not given.
        MediaWriteError: A film cannot be encoded.
        AvsslError: What ``SeparationPipeline.__call__`` raises.
    """
    out = Path(out)
    with heard_interrupts() as check, pipe.open(source, mask) as stream, filling(out, force) as folder:
        names = (*pipe.names, MIXTURE)
        sounds = {name: folder / f"{name}.wav" for name in names}
        clipped = 0
        with ExitStack() as stack:
            files = [stack.enter_context(wave.open(str(path), "wb")) for path in sounds.values()]
            for file in files:
                file.setparams((1, 2, pipe.processor.sampling_rate, 0, "NONE", ""))
            for block in stream:
                check()
                clipped += int((block.abs() > 1).sum())
                _write(files, block)
                if progress:
                    progress(stream.done, stream.count)
        if stream.has_picture:
            for name in pipe.names:
                replace_sound(source, sounds[name], folder / f"{name}.mp4", stream.start)
                check()
        titles = {name.replace("_", "-" if "screen" in name else " "): sounds[name] for name in (MIXTURE, *pipe.names)}
        draw_separation(titles, folder / PICTURE, Path(stream.file).name, stream.start)
        check()
        written = tuple(sorted(path.name for path in folder.iterdir()))
    return SeparationReport(out, written, stream.length / pipe.processor.sampling_rate, clipped, stream.notes)


def _write(files: Sequence[wave.Wave_write], block: torch.Tensor) -> None:
    samples = (block.clamp(-1, 1) * 32767).round().to(torch.int16)
    for file, row in zip(files, samples):
        file.writeframes(row.numpy().astype("<i2").tobytes())

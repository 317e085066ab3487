"""One 360° film in, files out: the film with ambisonic sound, the sound alone, for two ears, and to look at."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..audio.head_responses import HeadResponses, SymmetricHead
from ..errors import InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from ..media import MissingStreamError, SoundReader, SpatialAudio, write_sound, write_spatial_metadata
from ..media.replace_sound import replace_sound
from ..media.spherical import EQUIRECTANGULAR
from ..outputs import OutputError, check_apart, check_suffix, replacing
from ._spatialization_stream import SpatializationStream
from .ambisonics.render import two_ears
from .spatial_heat import write_heat
from .spatialize import SpatializationPipeline

# Called with the seconds done, those of all, and what is being done.
Progress = Callable[[int, int, str], object]


@dataclass(frozen=True)
class SpatialFiles:
    """What to write; at least one.

    Attributes:
        film: The film, its picture as it is, with four channels of ambisonic sound and the metadata that players of
            360° films go by (mp4).
        wav: The ambisonics, W, Y, Z and X (ACN, SN3D), 32-bit floats.
        binaural: What two ears hear, 32-bit floats (wav).
        heat: The film with its loudest directions painted over (mp4).
    """

    film: Path | None = None
    wav: Path | None = None
    binaural: Path | None = None
    heat: Path | None = None

    def __iter__(self) -> Iterator[tuple[Path, str]]:
        """Give those wanted, with the suffix they have to have."""
        suffixes = {"film": ".mp4", "wav": ".wav", "binaural": ".wav", "heat": ".mp4"}
        return ((Path(path), suffixes[name]) for name, path in vars(self).items() if path is not None)


@dataclass(frozen=True)
class SpatializationReport:
    """What was written.

    Attributes:
        files: The files.
        seconds: Length of the sound.
        notes: What was taken for granted, is missing or odd, and where; empty if nothing is.
    """

    files: tuple[Path, ...]
    seconds: float
    notes: tuple[str, ...]


def spatialize_file(
    pipe: SpatializationPipeline,
    source: str | PathLike,
    files: SpatialFiles,
    *,
    projection: str | None = None,
    stereo: str | None = None,
    lossless: bool = False,
    head: HeadResponses | SymmetricHead | None = None,
    yaw: float = 0.0,
    force: bool = False,
    progress: Progress | None = None,
) -> SpatializationReport:
    """Spatialise a film of any length into files, in bounded memory; all appear at the end, or none.

    Args:
        pipe: The pipeline.
        source: The film.
        files: What to write.
        projection: See ``SpatializationPipeline.__call__``.
        stereo: The same.
        lossless: Store the film's sound as FLAC of 16 bits in place of AAC, which more players know.
        head: Whose ears hear ``files.binaural``, of :func:`avssl_hub.media.hrir.read_hrir`; a rigid sphere by default.
        yaw: Radians by which that head looks to the left.
        force: Replace files that are there.
        progress: Called with the seconds done, those of all, and ``"hearing"`` or ``"drawing"``.

    Returns:
        What was written.

    Raises:
        InvalidValueError: Nothing is to be written, or heat over a picture that is not equirectangular.
        OutputError: A file is there already, is the film itself or wanted twice, or cannot be written.
        MediaWriteError: A film cannot be encoded.
        AvsslError: What ``SpatializationPipeline.__call__`` raises.
    """
    _check(files, Path(source), force)
    first = next(iter(files))[0]
    with (
        heard_interrupts() as check,
        pipe.open(source, projection, stereo) as stream,
        ExitStack() as stack,
        TemporaryDirectory(prefix=".", suffix=".part", dir=first.absolute().parent) as scratch,
    ):
        _check_picture(files, stream)
        parts = {path: stack.enter_context(replacing(path)) for path, _ in files}
        sound = parts[files.wav] if files.wav else Path(scratch) / "ambisonics.wav"
        heard = partial(_named, progress, "hearing") if progress else None
        write_sound(sound, _watched(stream, check, heard), pipe.processor.sampling_rate)
        if files.film:
            film = Path(scratch) / "film.mp4"
            replace_sound(source, sound, film, stream.start, channels=4, lossless=lossless)
            check()
            write_spatial_metadata(film, parts[files.film], stream.sphere.metadata, SpatialAudio())
        if files.binaural:
            write_sound(parts[files.binaural], _preview(sound, head, yaw), pipe.processor.sampling_rate)
            check()
        if files.heat:
            drawn = partial(_named, progress, "drawing") if progress else None
            write_heat(source, sound, parts[files.heat], stream.start, stream.sphere.stereo, progress=drawn)
        check()
        with SoundReader(sound) as written:
            seconds = written.length / written.sampling_rate
    return SpatializationReport(tuple(path for path, _ in files), seconds, stream.notes)


def _check(files: SpatialFiles, source: Path, force: bool) -> None:
    paths = [path for path, _ in files]
    if not paths:
        rule, step = "one or more of a film, wav, binaural wav and heat film", "Name a film with -o, or see --help."
        raise InvalidValueError(explain("outputs", "none", rule, step))
    for path, suffix in files:
        check_suffix(path, [suffix], force)
        if paths.count(path) > 1:
            raise OutputError(explain(f"output {path}", "one name for two files", "a name for each"))
        check_apart(path, source)


def _check_picture(files: SpatialFiles, stream: SpatializationStream) -> None:
    if not (files.film or files.heat):
        return
    if stream.sphere is None:
        step = "Write the sound alone, as wav."
        raise MissingStreamError(explain(f"a film of {stream.file!r}", "no picture", "a film", step), stream.file)
    if files.heat and stream.sphere.projection != EQUIRECTANGULAR:
        got = f"a picture of projection {stream.sphere.projection!r}"
        raise InvalidValueError(explain("heat", got, "an equirectangular one", "Leave it out, or convert the film."))


def _watched(
    stream: SpatializationStream, check: Callable[[], None], progress: Callable[[int, int], object] | None
) -> Iterator[torch.Tensor]:
    for block in stream:
        check()
        if progress:
            progress(round(stream.done * stream.seconds_per_chunk), round(stream.count * stream.seconds_per_chunk))
        yield block


def _named(progress: Progress, stage: str, done: int, total: int) -> None:
    progress(done, total, stage)


def _preview(sound: Path, head: HeadResponses | SymmetricHead | None, yaw: float) -> Iterator[torch.Tensor]:
    with SoundReader(sound) as reader:
        yield from two_ears(reader, 1, reader.sampling_rate, head, yaw)

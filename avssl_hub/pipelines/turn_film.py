"""A 360° film whose sound is turned against its picture, put right."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..audio.ambisonics import harmonics_rotation, rotation_matrix
from ..errors import InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from ..media import SoundReader, SpatialMetadataError, probe, read_spatial_metadata, write_sound, write_spatial_metadata
from ..media.replace_sound import replace_sound
from ..outputs import check_apart, check_suffix, replacing
from ._sphere_film import SphereFilm


@dataclass(frozen=True)
class TurnReport:
    """What was written.

    Attributes:
        path: The film.
        notes: What is not as it was, beside the direction of its sound; empty if nothing is.
    """

    path: Path
    notes: tuple[str, ...]


def check_turned(film: str | PathLike, out: str | PathLike, force: bool = False) -> None:
    """Refuse, before any work, a film that ``turn_film`` cannot write.

    Raises:
        OutputError: ``out`` is no .mp4, the film itself, there already without ``force``, or cannot be written.
    """
    out = Path(out)
    check_apart(out, film)
    check_suffix(out, [".mp4"], force)


def turn_film(
    film: SphereFilm,
    out: str | PathLike,
    yaw: float,
    *,
    lossless: bool = False,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> TurnReport:
    """Write a film with its ambisonic sound turned about the vertical, in bounded memory; whole or not at all.

    All channels of the ambisonic order are turned. Others of the same track, such as stereo that does not turn with
    the head, and other sound tracks stay as they are; subtitles and data are left out. The picture is copied bit for
    bit where mp4 can hold it. What is said of picture and sound for players of 360° films is said again.

    Args:
        film: The film, of ``find_film``.
        out: Where to write, an .mp4.
        yaw: Radians to the left.
        lossless: Store the sound as FLAC of 16 bits, up to 8 channels, in place of AAC, or Opus above 4 channels.
        force: Replace a file that is there.
        progress: Called with the seconds done and of all.

    Raises:
        InvalidValueError: ``yaw`` is no angle, the channels are too many for FLAC, or mp4 does not hold another track.
        OutputError: ``out`` is no .mp4, the film itself, there already, or cannot be written.
        MediaError: The film cannot be read or written.
    """
    out = Path(out)
    if not math.isfinite(yaw):
        raise InvalidValueError(explain("yaw", yaw, "an angle"))
    stated = film.audio.channel_map
    if lossless and stated != tuple(range(len(stated))):
        # Whatever reads such FLAC by FFmpeg breaks down.
        expected, step = "channels in ACN order", "Leave lossless out."
        raise InvalidValueError(explain(f"lossless sound of {film.name!r}", f"order {stated}", expected, step))
    if isinstance(film.picture, str | PathLike):
        check_turned(film.picture, out, force)
    check_suffix(out, [".mp4"], force)
    with (
        heard_interrupts() as check,
        TemporaryDirectory(prefix=".", suffix=".part", dir=out.absolute().parent) as scratch,
        replacing(out) as partial,
    ):
        wav, bare = Path(scratch) / "turned.wav", Path(scratch) / "film.mp4"
        with film.open_sound() as sound:
            turned = _Turned(film, sound, yaw, check, progress)
            write_sound(wav, turned, sound.sampling_rate)
            start, channels = sound.start - film.lag, sound.channels
        replace_sound(film.picture, wav, bare, start, channels=channels, lossless=lossless, others=film.others)
        check()
        like = film.picture if film.stated else None
        write_spatial_metadata(bare, partial, film.sphere.metadata, film.audio, like=like)
        _check_written(film, partial)
        notes = _notes(film, partial, turned.peak)
        check()
    return TurnReport(out, notes)


class _Turned:
    """Blocks of a film's sound, turned, to be gone through once.

    Attributes:
        peak: The largest magnitude of a sample so far.
    """

    def __init__(
        self,
        film: SphereFilm,
        sound: SoundReader,
        yaw: float,
        check: Callable[[], None],
        progress: Callable[[int, int], object] | None,
    ):
        self._film, self._sound, self._check, self._progress = film, sound, check, progress
        self._turn = harmonics_rotation(rotation_matrix(yaw), film.order).float()
        self.peak = 0.0

    def __iter__(self) -> Iterator[torch.Tensor]:
        places, done, rate = list(self._film.places), 0, self._sound.sampling_rate
        for block in self._sound:
            self._check()
            turned = block.clone()
            turned[places] = self._turn @ block[places]
            self.peak, done = max(self.peak, turned.abs().amax().item()), done + block.shape[1]
            yield turned[list(self._film.track_order)]
            if self._progress:
                self._progress(done // rate, max(done, self._sound.length) // rate)


def _check_written(film: SphereFilm, path: Path) -> None:
    """Read back what was said for players."""
    found = read_spatial_metadata(path)
    for got, wanted in ((found.video, film.sphere.metadata), (found.audio, film.audio)):
        if wanted is not None and got != wanted:
            raise SpatialMetadataError(explain(f"spatial metadata written to {path.name!r}", got, wanted), str(path))


def _notes(film: SphereFilm, path: Path, peak: float) -> tuple[str, ...]:
    notes = []
    before, after = probe(film.picture).video[0].codec, probe(path).video[0].codec
    if before != after:
        notes.append(f"the picture, {before}, had to be encoded again as {after}")
    if film.others:
        notes.append(f"the ambisonic track is the first; {len(film.others)} other sound stays as it is")
    if peak > 1:
        notes.append(f"turned, the sound has a peak of {peak:.2f}: what is beyond 1 was cut")
    return tuple(notes)

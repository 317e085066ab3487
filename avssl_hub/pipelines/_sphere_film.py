"""A 360° film with the ambisonic sound that belongs to it: in the film itself, or in a file beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..audio.ambisonics.conventions import FULL_SPHERES
from ..data.sound_beside import SOUND_SUFFIX, sound_beside
from ..errors import InvalidValueError, explain
from ..media import MediaSource, MissingStreamError, PictureReader, SoundReader, SpatialAudio, probe
from ._sphere import Sphere, find_sphere
from ._sphere_source import VideoLayout, ambisonic_track, metadata_of

TOLD_BY_FILE = VideoLayout()


@dataclass(frozen=True)
class SphereFilm:
    """What is known of a film before it is decoded.

    Attributes:
        name: Name of the film.
        picture: The film.
        sound: The file its ambisonic sound is in: the same, or one beside it.
        sphere: How the picture covers the sphere.
        stated: Whether the film says so itself.
        stream: Index of the sound stream.
        places: Where W, Y, Z, X and so on stand among the channels that are decoded.
        track_order: Where the channels stand in the order of the track, which ``audio`` counts in.
        audio: What the film says of the channels, or what was found out about them.
        lag: Seconds that the sound's clock is ahead of the picture's.
        others: Indexes of the film's other sound streams.
        notes: What was taken for granted.
    """

    name: str
    picture: MediaSource
    sound: MediaSource
    sphere: Sphere
    stated: bool
    stream: int
    places: tuple[int, ...]
    track_order: tuple[int, ...]
    audio: SpatialAudio
    lag: float
    others: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def order(self) -> int:
        """Ambisonic order."""
        return FULL_SPHERES[len(self.places)]

    def open_sound(self, sampling_rate: int | None = None) -> SoundReader:
        """Open the ambisonic track; its clock is the sound's own."""
        return SoundReader(self.sound, sampling_rate, self.stream)


def find_film(
    source: MediaSource,
    layout: VideoLayout = TOLD_BY_FILE,
    channels: Sequence[int] | None = None,
    stored_order: bool = False,
) -> SphereFilm:
    """Find a film's picture of the sphere and its ambisonic sound.

    ``NAME.m4a`` beside ``NAME.mp4``, or in ``audio`` beside the folder ``video``, goes before sound in the film itself.

    Args:
        source: Path, bytes, or a seekable binary file object.
        layout: What is told of the picture; by default the film tells, or it is twice as wide as high.
        channels: Which channels are W, Y, Z, X (and so on), counted from 0; by default metadata or the codec tell.
        stored_order: Count channels in the order in which Vorbis and Opus files hold them, where decoders sort 3 or 5
            to 8 of them as loudspeakers.

    Raises:
        InvalidValueError: The picture is not of 360 degrees, as far as can be told, or ``channels`` are no full sphere.
        MissingStreamError: There is no picture, or no sound.
        UnfitVideoError: The sound is not ambisonic, as far as can be told.
        MediaError: A file cannot be opened.
    """
    _check(channels)
    info, metadata = probe(source), metadata_of(source)
    with PictureReader(source) as picture:
        sphere = find_sphere(info.name, picture.stream, metadata, layout.projection, layout.stereo)
    beside = sound_beside(Path(source)) if isinstance(source, str | PathLike) else None
    heard, said = (probe(beside), metadata_of(beside)) if beside else (info, metadata)
    if not heard.has_audio:
        expected = f"four channels in it, or beside it in a file of its name with {SOUND_SUFFIX}"
        raise MissingStreamError(explain(f"sound of {heard.name!r}", "none", expected), heard.name)
    told = said.audio if channels is None else None
    if told and (told.ordering, told.normalization) != ("acn", "sn3d"):
        got, step = f"ordering {told.ordering}, normalization {told.normalization}", "Convert the sound first."
        raise InvalidValueError(explain(f"convention stated in {heard.name!r}", got, "acn and sn3d", step))
    stream, numbers = ambisonic_track(heard.name, heard.audio, said, channels)
    if len(numbers) not in FULL_SPHERES:
        expected = f"at most {max(FULL_SPHERES)}, of order {max(FULL_SPHERES.values())}"
        raise InvalidValueError(explain(f"ambisonic channels of {heard.name!r}", len(numbers), expected))
    with SoundReader(beside or source, None, stream) as sound:
        track_order = sound.stored_places if stored_order else tuple(range(sound.channels))
    notes = [*sphere.notes, f"sound taken from {beside}"] if beside else sphere.notes
    return SphereFilm(
        info.name,
        source,
        beside or source,
        sphere,
        metadata.video is not None and sphere.metadata is metadata.video,
        stream,
        tuple(track_order[number] for number in numbers),
        track_order,
        told or SpatialAudio(FULL_SPHERES[len(numbers)], numbers),
        heard.start - info.start if beside else 0.0,
        tuple(track.index for track in info.audio if beside or track.index != stream),
        tuple(notes),
    )


def _check(channels: Sequence[int] | None) -> None:
    if channels is None:
        return
    if len(channels) not in FULL_SPHERES or len(set(channels)) < len(channels) or min(channels) < 0:
        expected = "4, 9 or 16 different numbers from 0 on: W, Y, Z, X and so on"
        raise InvalidValueError(explain("channels", list(channels), expected))

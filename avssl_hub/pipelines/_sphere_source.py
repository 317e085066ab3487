"""Ambisonic sound and equirectangular frames of 360° videos as they are found: codecs' channel orders, and layouts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ..audio.ambisonics.conventions import FULL_SPHERES
from ..errors import InvalidValueError, explain, unknown_name
from ..media import (
    AudioStreamInfo,
    MediaError,
    MediaSource,
    PictureReader,
    SoundReader,
    SpatialMetadata,
    SpatialMetadataError,
    VideoStreamInfo,
    read_spatial_metadata,
)
from ..media.spherical import EQUIRECTANGULAR
from ._sphere import PROJECTIONS, STEREO, Sphere, find_sphere

# Which channels of a stream are W, Y, Z and X; sounds of higher order begin with them. YouTube's six-channel AAC holds
# them as loudspeakers in this order.
_CHANNELS = {("aac", 6): (2, 1, 4, 0)}


class UnfitVideoError(MediaError):
    """A file is no 360° video with ambisonic sound, or not in a form that is understood."""


@dataclass(frozen=True)
class VideoLayout:
    """What is told of how frames cover the sphere, in place of what a file says of itself.

    Attributes:
        projection: One of :data:`PROJECTIONS`; "eac" is YouTube's equi-angular cube map. None is what the file says.
        stereo: One of :data:`STEREO`; of two eyes' pictures the left one counts. None is the same.

    Raises:
        UnknownNameError: One of them is unknown.
    """

    projection: str | None = None
    stereo: str | None = None

    def __post_init__(self):
        for kind, name, known in (("projection", self.projection, PROJECTIONS), ("stereo", self.stereo, STEREO)):
            if name is not None and name not in known:
                raise unknown_name(kind, name, known)


# What the authors' table of formats calls them.
FORMATS = {
    ("MONO", "ER"): VideoLayout(EQUIRECTANGULAR, "mono"),
    ("STEREO", "ER"): VideoLayout(EQUIRECTANGULAR, "top-bottom"),
    ("MONO", "EAC"): VideoLayout("eac", "mono"),
    ("STEREO", "EAC"): VideoLayout("eac", "left-right"),
}


def metadata_of(source: MediaSource) -> SpatialMetadata:
    """Read what a film says of itself; where that cannot be read, a note of it is all there is."""
    try:
        return read_spatial_metadata(source)
    except SpatialMetadataError as error:
        # FFmpeg reads more than is whole.
        return SpatialMetadata(notes=(f"spatial metadata cannot be read ({error})",))


def sphere_of(name: str, video: VideoStreamInfo, metadata: SpatialMetadata, told: VideoLayout) -> Sphere:
    """Decide how a video covers the sphere, as :func:`avssl_hub.pipelines._sphere.find_sphere` does.

    Raises:
        UnfitVideoError: Nothing tells, or the metadata tell of a layout that is not understood.
    """
    try:
        return find_sphere(name, video, metadata, told.projection, told.stereo)
    except InvalidValueError as error:
        raise UnfitVideoError(str(error), name) from error


def check_channels(channels: Sequence[int] | None) -> None:
    """Refuse a word on the channels that cannot be.

    Raises:
        InvalidValueError: They are given, and not four different numbers from 0 on.
    """
    if channels is not None and (len(set(channels)) != 4 or len(channels) != 4 or min(channels) < 0):
        raise InvalidValueError(explain("channels", list(channels), "four different numbers from 0 on: W, Y, Z, X"))


def ambisonic_channels(
    name: str, audio: Sequence[AudioStreamInfo], metadata: SpatialMetadata, channels: Sequence[int] | None
) -> tuple[int, tuple[int, ...]]:
    """Tell which sound stream is ambisonic, and which of its channels are W, Y, Z, X; see ``ambisonic_track``."""
    stream, places = ambisonic_track(name, audio, metadata, channels)
    return stream, places[:4]


def ambisonic_track(
    name: str, audio: Sequence[AudioStreamInfo], metadata: SpatialMetadata, channels: Sequence[int] | None
) -> tuple[int, tuple[int, ...]]:
    """Tell which sound stream is ambisonic, and which of its channels are W, Y, Z, X, and those of a higher order.

    Args:
        name: What messages call the file.
        audio: Its sound streams.
        metadata: Its spatial metadata.
        channels: The user's word on the channels; None goes by metadata, or by codec and number.

    Raises:
        UnfitVideoError: No stream has them.
    """
    told = metadata.audio
    if channels is None and told and told.order and (told.ordering, told.normalization) == ("acn", "sn3d"):
        channels = told.channel_map[: (told.order + 1) ** 2]
    for stream in audio:
        as_stored = range(stream.channels) if stream.channels in FULL_SPHERES else None
        usual = _CHANNELS.get((stream.codec, stream.channels), as_stored)
        chosen = channels or usual
        if chosen and max(chosen) < stream.channels:
            return stream.index, tuple(chosen)
    got = ", ".join(f"{stream.codec} with {stream.channels}" for stream in audio) or "no sound"
    rule = "four channels, nine or sixteen, or six of AAC"
    raise UnfitVideoError(explain(f"channels of {name}", got, rule, "Name them with --channels."), name)


def ambisonic_blocks(sound: SoundReader, channels: Sequence[int]) -> Iterator[torch.Tensor]:
    """Read W, Y, Z, X of the chosen channels in blocks (4, n)."""
    for block in sound:
        yield block[list(channels)]


def sphere_frames(reader: PictureReader, sphere: Sphere, times: Iterable[float], height: int) -> Iterator[torch.Tensor]:
    """Read the frames shown at rising times as equirectangular ones, (3, height, 2 * height) uint8.

    Cube maps are unfolded at twice that size and scaled down afterwards, as the authors did.
    """
    for frame in reader.at(times, sphere.decoded_size(height, 2 * height)):
        yield sphere.unfolded(frame, height, 2 * height).permute(2, 0, 1)

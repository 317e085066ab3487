"""Ambisonic sound and equirectangular frames of 360° videos as they are found: codecs' channel orders, and layouts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from ..errors import explain, unknown_name
from ..media import AudioStreamInfo, MediaError, PictureReader, SoundReader, SpatialMetadata, VideoStreamInfo
from ._sphere import PROJECTIONS, Sphere

STEREO = ("mono", "top-bottom", "left-right", "right-left")

# Which channels of a stream are W, Y, Z and X. YouTube's six-channel AAC holds them as loudspeakers in this order.
_AS_STORED = (0, 1, 2, 3)
_CHANNELS = {("aac", 6): (2, 1, 4, 0)}


class UnfitVideoError(MediaError):
    """A file is no 360° video with ambisonic sound, or not in a form that is understood."""


@dataclass(frozen=True)
class VideoLayout:
    """How frames cover the sphere.

    Attributes:
        projection: One of :data:`PROJECTIONS`; "eac" is YouTube's equi-angular cube map.
        stereo: One of :data:`STEREO`; of two eyes' pictures the left one counts.

    Raises:
        UnknownNameError: One of them is unknown.
    """

    projection: str = "equirectangular"
    stereo: str = "mono"

    def __post_init__(self):
        for kind, name, known in (("projection", self.projection, PROJECTIONS), ("stereo", self.stereo, STEREO)):
            if name not in known:
                raise unknown_name(kind, name, known)


# What the authors' table of formats calls them.
FORMATS = {
    ("MONO", "ER"): VideoLayout(),
    ("STEREO", "ER"): VideoLayout(stereo="top-bottom"),
    ("MONO", "EAC"): VideoLayout("eac"),
    ("STEREO", "EAC"): VideoLayout("eac", "left-right"),
}


def layout_of(name: str, video: VideoStreamInfo, metadata: SpatialMetadata) -> VideoLayout:
    """Tell the layout of a video from its metadata, or take a picture twice as wide as high for equirectangular.

    Raises:
        UnfitVideoError: Neither tells, or the metadata tell of a layout that is not understood.
    """
    told, shape = metadata.video, f"{video.width} × {video.height} pixels"
    step = "Name its layout with --projection and --stereo, or in the table of --video-formats."
    if told is None:
        if video.width == 2 * video.height:
            return VideoLayout()
        got, rule = f"no spherical metadata and {shape}", "metadata, or frames twice as wide as high"
        raise UnfitVideoError(explain(f"layout of {name}", got, rule, step), name)
    if told.projection != PROJECTIONS[0] or told.stereo not in STEREO:
        got = f"projection {told.projection!r} and stereo {told.stereo!r}"
        raise UnfitVideoError(explain(f"layout of {name}", got, "equirectangular frames", step), name)
    return VideoLayout(stereo=told.stereo)


def ambisonic_channels(
    name: str, audio: Sequence[AudioStreamInfo], metadata: SpatialMetadata, channels: Sequence[int] | None
) -> tuple[int, tuple[int, ...]]:
    """Tell which sound stream is ambisonic, and which of its channels are W, Y, Z, X.

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
        channels = told.channel_map[:4]
    for stream in audio:
        usual = _CHANNELS.get((stream.codec, stream.channels), _AS_STORED if stream.channels == 4 else None)
        chosen = channels or usual
        if chosen and max(chosen) < stream.channels:
            return stream.index, tuple(chosen)
    got = ", ".join(f"{stream.codec} with {stream.channels}" for stream in audio) or "no sound"
    rule = "four channels, or six of AAC"
    raise UnfitVideoError(explain(f"channels of {name}", got, rule, "Name them with --channels."), name)


def ambisonic_blocks(sound: SoundReader, channels: Sequence[int]) -> Iterator[torch.Tensor]:
    """Read W, Y, Z, X of the chosen channels in blocks (4, n)."""
    for block in sound:
        yield block[list(channels)]


def sphere_frames(
    reader: PictureReader, layout: VideoLayout, times: Iterable[float], height: int
) -> Iterator[torch.Tensor]:
    """Read the frames shown at rising times as equirectangular ones, (3, height, 2 * height) uint8.

    Cube maps are unfolded at twice that size and scaled down afterwards, as the authors did.
    """
    sphere = Sphere(layout.projection, layout.stereo)
    for frame in reader.at(times, sphere.decoded_size(height, 2 * height)):
        yield sphere.unfolded(frame, height, 2 * height).permute(2, 0, 1)

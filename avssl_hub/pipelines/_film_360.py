"""A film of 360 degrees on its way into a model that compares views: upright whole spheres, and W, Y, Z, X."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path

import torch

from ..data.sound_beside import sound_beside
from ..media import (
    AudioClip,
    MediaInfo,
    MediaReader,
    MediaSource,
    MediaWindow,
    SpatialMetadata,
    VideoClip,
    VideoStreamInfo,
    probe,
)
from ..models.avsa import AvsaProcessor
from ..video.views import Views
from ._sphere import Sphere
from ._sphere_source import UnfitVideoError, ambisonic_channels, metadata_of, sphere_of
from ._windows import every_window
from .look_360 import Look360


class Film360:
    """A film that is open, as :class:`avssl_hub.pipelines._film.Film` says.

    Args:
        reader: Reads it; its sound is the one that counts, if that lies in it.
        sphere: How its picture covers the sphere; None if there is none.
        height: Of that as equirectangular frames.
        beside: Reads the sound in its place, of a file that starts with the picture; None if there is no such file.
        order: Which channels are W, Y, Z and X; None if there is no ambisonic sound.
        no_sound: Why not.
        rules: The model's processor.
        views: Where one looks.
    """

    def __init__(
        self,
        reader: MediaReader,
        sphere: Sphere | None,
        height: int,
        beside: MediaReader | None,
        order: tuple[int, ...] | None,
        no_sound: str,
        rules: AvsaProcessor,
        views: Views,
    ):
        self._reader, self._sphere, self._height = reader, sphere, height
        self._beside, self._order = beside, order
        self._rules, self._views = rules, views
        self.info, self.no_sound = reader.info, no_sound
        self.notes = sphere.notes if sphere else ()

    def windows(self, every: float | None, clips: int | None) -> Iterator[MediaWindow]:
        for window in every_window(self._reader, self._rules, every, clips, channels=None):
            yield replace(window, video=self._unfolded(window.video), audio=self._heard(window))

    def pixels(self, window: MediaWindow) -> dict[str, torch.Tensor]:
        return self._rules(videos=[window.video.frames], views=self._views)

    def features(self, window: MediaWindow) -> dict[str, torch.Tensor]:
        sound = window.audio
        heard = self._rules(audio=[sound.samples], sampling_rate=sound.sampling_rate, views=self._views)
        return {"input_features": heard["input_features"]}

    def _unfolded(self, clip: VideoClip | None) -> VideoClip | None:
        if clip is None:
            return None
        size = self._height, 2 * self._height
        return replace(clip, frames=torch.stack([self._sphere.unfolded(frame, *size) for frame in clip.frames]))

    def _heard(self, window: MediaWindow) -> AudioClip | None:
        if self._order is None:
            return None
        sound = window.audio
        if self._beside:
            # Each file's clock begins where it likes.
            start = window.start - self.info.start + self._beside.info.start
            rules = self._rules
            sound = self._beside.read_audio(start, rules.audio_duration, rules.sampling_rate, channels=None)
        return replace(sound, samples=sound.samples[list(self._order)])


@contextmanager
def open_film_360(source: MediaSource, rules: AvsaProcessor, look: Look360) -> Iterator[Film360]:
    """Open a film of 360 degrees, or a recording of ambisonic sound.

    A film's sound may lie beside it, as :func:`avssl_hub.data.sound_beside.sound_beside` finds it. Pictures finer than
    the views can show are scaled down as they are decoded. Sound that is not ambisonic is as good as none.

    Raises:
        UnfitVideoError: The picture is not of 360 degrees, as far as can be told, or the sound lacks ``look.channels``.
        MediaError: The file cannot be opened.
    """
    views = look.views(rules)
    sphere, height, size = None, 0, None
    with MediaReader(source) as reader:
        info, stream, metadata = reader.info, reader.video, metadata_of(source)
    if stream:
        sphere = sphere_of(info.name, stream, metadata, look.layout)
        height = _height(sphere, stream, views, rules.view_size)
        size = sphere.decoded_size(height, 2 * height)
        if size == (stream.height, stream.width):
            size = None
    place = files_of(source)[-1]
    inside = place is source
    heard = (info, metadata) if inside else (probe(place), metadata_of(place))
    index, order, no_sound = _ambisonics(*heard, look)
    with ExitStack() as stack:
        reader = stack.enter_context(MediaReader(source, audio_stream=index if inside else None, video_size=size))
        beside = None if inside else stack.enter_context(MediaReader(place, audio_stream=index))
        yield Film360(reader, sphere, height, beside, order, no_sound, rules, views)


def files_of(source: MediaSource) -> list[MediaSource]:
    """Return the files that a film lies in: itself, and that of its sound if there is one beside it."""
    beside = sound_beside(Path(source)) if isinstance(source, (str, PathLike)) else None
    return [source] if beside is None else [source, beside]


def _height(sphere: Sphere, stream: VideoStreamInfo, views: Views, view_size: int) -> int:
    """Rows of the whole sphere: those the picture has, or else twice as dense as the narrowest view's pixels."""
    high, wide = sphere.decoded_size(1, 2)
    angle = 2 * views.half_width.min().atan().item()
    return max(1, min(stream.height // high, stream.width // wide, round(2 * view_size * torch.pi / angle)))


def _ambisonics(
    info: MediaInfo, metadata: SpatialMetadata, look: Look360
) -> tuple[int | None, tuple[int, ...] | None, str]:
    """Find the stream and channels of ambisonic sound, or say why there are none."""
    if not info.has_audio:
        return None, None, "no sound track"
    try:
        return *ambisonic_channels(info.name, info.audio, metadata, look.channels), ""
    except UnfitVideoError:
        if look.channels is not None:
            raise
        number = info.audio[0].channels
        step = "; --channels names W, Y, Z and X" if number >= len("WYZX") else ""
        return None, None, f"sound of {number} {'channel' if number == 1 else 'channels'} is no ambisonics{step}"

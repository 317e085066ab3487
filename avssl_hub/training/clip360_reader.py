"""Clips of 360° films with first-order ambisonics, raw: from one file, or from a picture and the sound beside it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from ..audio.ambisonics.conventions import FIRST_ORDER_CHANNELS
from ..data.clips import Span, sample_audio_visual_start
from ..data.manifest import ManifestItem
from ..data.sound_beside import sound_beside
from ..errors import explain
from ..media import DecodeError, MediaReader
from .clip_reader import opened, span_of


class Clip360:
    """A film that is open; times are seconds on the clock of its picture.

    Args:
        item: The film, or the part of it to stay within.
        picture: Reader of the picture.
        sound: Reader of the sound; the same one, or of a file that starts with the picture.
        fps: Frames per second wanted.
        sampling_rate: Samples per second wanted.
        size: Height and width to resize frames to; as in the file by default.

    Attributes:
        picture: From when to when there is a picture.
        sound: From when to when there is sound.

    Raises:
        MissingStreamError: Picture or sound is missing.
        DecodeError: The sound has less than four channels.
    """

    def __init__(
        self,
        item: ManifestItem,
        picture: MediaReader,
        sound: MediaReader,
        fps: float,
        sampling_rate: int,
        size: tuple[int, int] | None = None,
    ):
        self._video, self._audio = picture, sound
        self._fps, self._sampling_rate, self._size = fps, sampling_rate, size
        self.picture = span_of("picture", item, picture, picture.video)
        heard = span_of("sound", item, sound, sound.audio)
        if sound.audio.channels < FIRST_ORDER_CHANNELS:
            step = "Is it the film's sound for headphones? Ambisonics have W, Y, Z and X."
            text = explain(f"sound of {item.name}", f"{sound.audio.channels} channels", "4 or more", step)
            raise DecodeError(text, item.name, sound.audio.index)
        # Each file's clock begins where it likes.
        self._lag = sound.info.start - picture.info.start if sound is not picture else 0.0
        self.sound = Span(heard.start - self._lag, heard.end - self._lag)

    def random_starts(
        self, video_duration: float, audio_duration: float, generator: torch.Generator | None = None
    ) -> tuple[float, float]:
        """Draw where a clip's picture starts, and its sound around it, as AVSA's training does.

        Raises:
            NoWindowError: The film is too short.
        """
        durations = video_duration, audio_duration
        start, sound_start = sample_audio_visual_start(self.picture, self.sound, *durations, generator=generator)
        # A window may begin where the picture ends: its last frame is there to be repeated.
        return min(start, self.picture.end - 1 / self._fps), sound_start

    def frames(self, start: float, duration: float) -> Tensor:
        """Read the frames of a time span, uint8 ``(T, 3, H, W)``; fewer than its length where the picture ends.

        Raises:
            MediaError: They cannot be read.
        """
        frames = self._video.read_video(start, duration, self._fps).frames.permute(0, 3, 1, 2)
        return resize(frames, self._size, antialias=True) if self._size else frames

    def samples(self, start: float, duration: float) -> Tensor:
        """Read the sound of a time span, float ``(4, n)`` in W, Y, Z, X; zeros where there is none.

        Raises:
            MediaError: It cannot be read.
        """
        sound = self._audio.read_audio(start + self._lag, duration, self._sampling_rate, channels=None)
        return sound.samples[:FIRST_ORDER_CHANNELS]


class Clip360Reader:
    """Reads clips of 360° films: ``NAME.mp4`` with four channels of sound (ACN, SN3D), or ``NAME.mp4`` with
    ``NAME.m4a`` beside it or in ``audio`` beside the folder ``video``, as YT-360 is kept.

    Args:
        fps: Frames per second.
        sampling_rate: Samples per second.
        size: Height and width to resize frames to; as in the file by default.
    """

    def __init__(self, fps: float = 16.0, sampling_rate: int = 24000, size: tuple[int, int] | None = None):
        self.fps, self.sampling_rate, self.size = fps, sampling_rate, size

    @contextmanager
    def open(self, item: ManifestItem) -> Iterator[Clip360]:
        """Open a film, to look at its spans and read several windows.

        Raises:
            MediaError: It cannot be read, lacks picture or sound, or has less than four channels.
        """
        beside = sound_beside(item.path) if item.offset is None else None
        with opened(item) as picture:
            if beside is None:
                yield Clip360(item, picture, picture, self.fps, self.sampling_rate, self.size)
            else:
                with MediaReader(beside) as sound:
                    yield Clip360(item, picture, sound, self.fps, self.sampling_rate, self.size)

    def read(self, item: ManifestItem, start: float, duration: float) -> tuple[Tensor, Tensor]:
        """Read picture and sound of one time span: uint8 ``(T, 3, H, W)`` and float ``(4, n)``.

        Raises:
            MediaError: They cannot be read.
        """
        with self.open(item) as clip:
            return clip.frames(start, duration), clip.samples(start, duration)

    def read_random(
        self,
        item: ManifestItem,
        video_duration: float = 0.5,
        audio_duration: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Read a clip at random, its picture within its sound, as AVSA's training does; see ``read``.

        Args:
            item: The film, or the part of it to stay within.
            video_duration: Seconds of picture.
            audio_duration: Seconds of sound.
            generator: Source of randomness.

        Raises:
            MediaError: It cannot be read.
            NoWindowError: It is too short.
        """
        with self.open(item) as clip:
            start, sound_start = clip.random_starts(video_duration, audio_duration, generator)
            return clip.frames(start, video_duration), clip.samples(sound_start, audio_duration)

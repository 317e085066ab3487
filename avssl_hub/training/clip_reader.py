"""One random clip of a recording, raw: where to look, and what is found there (AVID sections 5.1 and 5.2)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ..data.clips import NoWindowError, Span, sample_audio_visual_start, sample_start
from ..data.manifest import ManifestItem
from ..errors import explain
from ..media import AudioStreamInfo, MediaReader, MissingStreamError, VideoStreamInfo
from ..models.avid import AvidProcessor


class ClipReader:
    """Reads random clips.

    Args:
        processor: Length and rates of a clip.
        misalignment: Seconds by which the picture may lie outside its sound.
        with_shifted_sound: Whether sound from another moment of the same recording is read too.
    """

    def __init__(self, processor: AvidProcessor, misalignment: float = 0.0, with_shifted_sound: bool = False):
        self.num_frames, self.fps = processor.num_frames, processor.fps
        self.video_duration, self.audio_duration = processor.video_duration, processor.audio_duration
        self.sampling_rate = processor.sampling_rate
        self.misalignment = misalignment
        self.with_shifted_sound = with_shifted_sound

    def read(self, item: ManifestItem, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Read a clip.

        Args:
            item: The recording, or the part of it to stay within.
            generator: Source of randomness.

        Returns:
            Frames, uint8 ``(T, H, W, 3)``, at most ``num_frames`` of them; sound in mono, ``(1, n)`` or, with the
            shifted one behind, ``(2, n)``.

        Raises:
            MediaError: The recording cannot be read there, or lacks picture or sound.
            NoWindowError: It is too short for a clip.
        """
        with opened(item) as reader:
            video, audio = span_of("picture", item, reader, reader.video), span_of("sound", item, reader, reader.audio)
            durations = self.video_duration, self.audio_duration
            start, audio_start = sample_audio_visual_start(video, audio, *durations, self.misalignment, generator)
            # A window may begin where the picture ends: its last frame is there to be repeated.
            start = min(start, video.end - 1 / reader.video.fps)
            length = _length(video, reader, start, self.video_duration)
            clip = reader.read_video(start, length, self.fps, self.num_frames)
            # The sound moves along with the first frame that was found.
            audio_start += clip.times[0].item() - clip.start
            starts = [audio_start, self._shifted(audio_start, audio)] if self.with_shifted_sound else [audio_start]
            sounds = [reader.read_audio(start, self.audio_duration, self.sampling_rate).samples[0] for start in starts]
        return clip.frames, torch.stack(sounds)

    def _shifted(self, start: float, audio: Span) -> float:
        """Move a sound window as far as any window of the recording can be moved, around its end if need be."""
        room = audio.end - audio.start - self.audio_duration
        if room < self.audio_duration:
            got, rule = f"{audio.end - audio.start:.2f} s of sound", f"at least {2 * self.audio_duration:g} s"
            raise NoWindowError(explain("choosing sound out of time", got, rule))
        return audio.start + (start - audio.start + room / 2) % room


class PictureReader:
    """Reads random clips of picture alone (section 5.1, for recordings without sound).

    Args:
        num_frames: Frames of a clip.
        fps: Frames per second.
        duration: Seconds of a clip.
    """

    def __init__(self, num_frames: int, fps: float, duration: float):
        self.num_frames, self.fps, self.duration = num_frames, fps, duration

    def read(self, item: ManifestItem, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Read a clip; a recording that is shorter is taken from its start.

        Args:
            item: The recording, or the part of it to stay within.
            generator: Source of randomness.

        Returns:
            Frames, uint8 ``(T, H, W, 3)``, at most ``num_frames`` of them; no sound, ``(1, 0)``.

        Raises:
            MediaError: The recording cannot be read there, or lacks a picture.
        """
        with opened(item) as reader:
            span = span_of("picture", item, reader, reader.video)
            start = sample_start(span, self.duration, generator)
            length = _length(span, reader, start, self.duration)
            frames = reader.read_video(start, length, self.fps, self.num_frames).frames
        return frames, torch.empty(1, 0)


@contextmanager
def opened(item: ManifestItem) -> Iterator[MediaReader]:
    """Open the media file of an item."""
    # FFmpeg reads a file of its own faster than through Python.
    if item.offset is None:
        with MediaReader(item.path) as reader:
            yield reader
    else:
        with item.open() as file, MediaReader(file) as reader:
            yield reader


def span_of(
    kind: str, item: ManifestItem, reader: MediaReader, stream: VideoStreamInfo | AudioStreamInfo | None
) -> Span:
    """Intersect a stream with the part of the recording to stay within."""
    if stream is None:
        raise MissingStreamError(explain(f"reading a clip of {item.name}", f"no {kind}", "picture and sound"))
    begin = reader.info.start
    start = stream.start if item.start is None else max(stream.start, begin + item.start)
    end = stream.end if item.end is None else min(stream.end, begin + item.end)
    return Span(start, end)


def _length(span: Span, reader: MediaReader, start: float, duration: float) -> float:
    """Choose how long to read: where the file goes on behind the span's end, as if it ended there."""
    return duration if span.end == reader.video.end else min(duration, span.end - start)

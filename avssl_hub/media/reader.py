"""The media reader: picture and sound of any time span of a file, by timestamps, and whole files window by window."""

from collections.abc import Iterator
from functools import cached_property
from math import isfinite

import av

from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media._audio import LAYOUTS, AudioClip, AudioTrack
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media._stream import MediaWindow, stream_windows, window_spans
from avssl_hub.media._video import VideoClip, VideoTrack
from avssl_hub.media.probe import (
    AudioStreamInfo,
    MediaInfo,
    VideoStreamInfo,
    choose_stream,
    describe,
    stream_spans,
)


class MediaReader:
    """Read picture and sound of one file by time.

    All times are seconds on the container's clock, which need not begin at 0 (see ``info.start``). A reader is not
    thread-safe and cannot be pickled: worker processes open their own.

    Args:
        source: Path, bytes, or a seekable binary file object (left open). The content decides what it is, never the
            extension.
        video_stream: Index of the picture stream to read; FFmpeg's best one by default. Cover art is no video.
        audio_stream: Index of the sound stream to read; FFmpeg's best one by default.
        video_size: Height and width to scale pictures to as they are decoded, bicubically and before they are turned
            upright; as in the file by default.
        threads: Decoder threads for each stream.

    Raises:
        MediaOpenError: The source is missing, empty or not media.
        MissingStreamError: There is no stream of that kind at a given index.

    Example:
        >>> with MediaReader("clip.mp4") as reader:  # doctest: +SKIP
        ...     clip = reader.read_video(start=3.0, duration=0.5, fps=16)
        ...     sound = reader.read_audio(start=3.0, duration=2.0, sampling_rate=24000)
    """

    def __init__(
        self,
        source: MediaSource,
        video_stream: int | None = None,
        audio_stream: int | None = None,
        *,
        video_size: tuple[int, int] | None = None,
        threads: int = 1,
    ):
        self._video_size = video_size
        self._indexes = {"video": video_stream, "audio": audio_stream}
        self._threads = threads
        self._source = Source(source)
        try:
            self._container = self._source.open(self._threads)
            for kind, index in self._indexes.items():
                if index is not None:
                    choose_stream(self._container, kind, index, self._source.name)
        except Exception:
            self.close()
            raise

    def __enter__(self) -> "MediaReader":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a file object that was passed in stays open."""
        if "_container" in vars(self):
            self._container.close()
        self._source.close()

    @cached_property
    def info(self) -> MediaInfo:
        """What the file holds: container, streams, times."""
        return describe(self._container, self._source.name, self._spans)

    @property
    def video(self) -> VideoStreamInfo | None:
        """The picture stream that is read, or None if the file has none."""
        return self._chosen("video", self.info.video)

    @property
    def audio(self) -> AudioStreamInfo | None:
        """The sound stream that is read, or None if the file has none."""
        return self._chosen("audio", self.info.audio)

    def read_video(self, start: float, duration: float, fps: float, max_frames: int | None = None) -> VideoClip:
        """Read the frames of a time span at a steady rate (AVID's rule).

        The times ``start + k / fps`` are wanted while they lie before ``start + duration - 0.5 / source_fps`` and
        the stream's end, at most ``int(duration * fps)`` of them. A time ``t`` wants the source frame numbered
        ``floor((t - stream_start) * source_fps)``, and gets the first decoded frame whose number, its own time in
        average frame durations rounded half up, reaches that; so the first frame also stands for times before it.
        Frames are in coded pixels (the pixel aspect ratio is not applied), rotated upright.

        Args:
            start: Start in seconds.
            duration: Length in seconds.
            fps: Frames per second wanted; a rate above the source's repeats frames.
            max_frames: Most frames to return, in place of ``int(duration * fps)``.

        Returns:
            The clip; shorter than ``duration * fps`` where the stream ends or the file was cut short.

        Raises:
            InvalidValueError: A number is out of its range.
            MissingStreamError: The file has no picture.
            DecodeError: No frame can be had, for the span lies outside the stream or the file is damaged there.
            SeekError: The container cannot be moved.
        """
        _check(start=start, duration=duration, fps=fps, max_frames=1 if max_frames is None else max_frames)
        return self._video.read(start, duration, fps, max_frames)

    def read_audio(self, start: float, duration: float, sampling_rate: int, channels: int | None = 1) -> AudioClip:
        """Read the sound of a time span, resampled to 16 bit by FFmpeg and cut to the sample by timestamps.

        Samples lie on the grid ``stream_start + i / sampling_rate``; the window begins at the nearest one. What the
        stream does not cover, before, behind and in gaps, is zero, and ``present`` says how much is not: a span
        wholly outside the stream is all zeros with ``present == 0``.

        Args:
            start: Start in seconds.
            duration: Length in seconds.
            sampling_rate: Samples per second wanted.
            channels: 1 mixes down to mono; None keeps the file's layout; 2 to 8 the usual layout of that many.

        Returns:
            Exactly ``round(duration * sampling_rate)`` samples a channel.

        Raises:
            InvalidValueError: A number is out of its range.
            MissingStreamError: The file has no sound (``info.has_audio`` tells beforehand).
            DecodeError: The sound cannot be brought into the wanted form.
            SeekError: The container cannot be moved.
        """
        _check(start=start, duration=duration, sampling_rate=sampling_rate)
        _check_channels(channels)
        if not self._audio.spent:
            return self._audio.read(start, duration, int(sampling_rate), channels)
        # The same window gives the same samples whatever was read before.
        with self._source.open(self._threads) as container:
            return self._track(AudioTrack, container).read(start, duration, int(sampling_rate), channels)

    def stream(
        self,
        duration: float,
        hop: float,
        fps: float,
        sampling_rate: int,
        video_duration: float | None = None,
        channels: int | None = 1,
    ) -> Iterator[MediaWindow]:
        """Go through the whole file once, window by window, in bounded memory.

        Each stream is decoded once; only wanted frames of windows still open are held. A window's frames are those
        of ``read_video`` (none where it would raise DecodeError) and its samples those of ``read_audio``,
        bit for bit but for decoders that make noise of their own (AAC's noise substitution, MP2's dither).
        Windows start every ``hop`` seconds from the file's start. The last one, cut short by the file's end, is
        kept when it lacks at most half a hop (or half its own length), or is the only one. A file that ends before
        its header says ends the iteration early, with a warning in the log.

        Args:
            duration: Length of a window in seconds.
            hop: Seconds from one start to the next.
            fps: Frames per second wanted.
            sampling_rate: Samples per second wanted.
            video_duration: Seconds of video in the middle of each window; all of it by default.
            channels: As of ``read_audio``.

        Returns:
            An iterator of windows; their ``video`` or ``audio`` is None if the file has no such stream.

        Raises:
            InvalidValueError: A number is out of its range.
            DecodeError: Nothing of the file decodes.
        """
        _check(duration=duration, hop=hop, fps=fps, sampling_rate=sampling_rate)
        _check_channels(channels)
        video_duration = duration if video_duration is None else video_duration
        if not 0 < video_duration <= duration:
            raise InvalidValueError(
                explain("video_duration", f"{video_duration} s", f"more than 0 and at most duration, {duration} s")
            )
        spans = window_spans(self.info.start, self.info.end, duration, hop)
        # Containers of their own leave this reader free, and let the streams be read at different places.
        video = self._track(VideoTrack, self._source.open(self._threads)) if self.info.has_video else None
        audio = self._track(AudioTrack, self._source.open(self._threads)) if self.info.has_audio else None
        return stream_windows(video, audio, spans, duration, video_duration, fps, int(sampling_rate), channels)

    def _chosen(self, kind, streams):
        if not streams:
            return None
        index = choose_stream(self._container, kind, self._indexes[kind], self._source.name).index
        return next(stream for stream in streams if stream.index == index)

    @cached_property
    def _video(self) -> VideoTrack:
        return self._track(VideoTrack, self._container)

    @cached_property
    def _audio(self) -> AudioTrack:
        return self._track(AudioTrack, self._container)

    @cached_property
    def _spans(self):
        return stream_spans(self._container)

    def _track(self, kind: type[VideoTrack] | type[AudioTrack], container: av.container.InputContainer):
        stream = choose_stream(container, kind.kind, self._indexes[kind.kind], self._source.name)
        track = kind(container, stream, self._spans[stream.index], self._source.name)
        if kind is VideoTrack and self._video_size:
            track.scale(*self._video_size)
        return track


def _check(**numbers: float) -> None:
    for name, value in numbers.items():
        if not isfinite(value) or (name != "start" and value <= 0):
            rule = "a finite number of seconds" if name == "start" else "a finite number above 0"
            raise InvalidValueError(explain(name, value, rule))


def _check_channels(channels: int | None) -> None:
    if channels is not None and channels not in LAYOUTS:
        rule = f"None (as in the file) or {min(LAYOUTS)} to {max(LAYOUTS)}"
        raise InvalidValueError(explain("channels", channels, rule))

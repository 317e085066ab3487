"""What a media file holds: containers, streams, sizes, rates and times, read without decoding more than a picture."""

from dataclasses import dataclass
from fractions import Fraction

import av

from avssl_hub.media._orientation import rotation
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media.errors import MissingStreamError


@dataclass(frozen=True)
class VideoStreamInfo:
    """One picture stream; times in seconds on the container's clock.

    Attributes:
        index: Index of the stream in the container.
        codec: Name of the decoder.
        width: Coded width in pixels, before rotation.
        height: Coded height in pixels, before rotation.
        fps: Average frame rate.
        start: Time of the first picture.
        duration: Length of the stream.
        rotation: Degrees clockwise (0, 90, 180, 270) by which coded pictures are turned to stand upright.
        frames: Number of pictures, when the container tells.
    """

    index: int
    codec: str
    width: int
    height: int
    fps: float
    start: float
    duration: float
    rotation: int
    frames: int | None

    @property
    def end(self) -> float:
        """Time in seconds at which the stream ends."""
        return self.start + self.duration


@dataclass(frozen=True)
class AudioStreamInfo:
    """One sound stream; times in seconds on the container's clock.

    Attributes:
        index: Index of the stream in the container.
        codec: Name of the decoder.
        sampling_rate: Samples per second and channel.
        channels: Number of channels.
        layout: FFmpeg's name of the channel layout, such as ``"stereo"``.
        start: Time of the first sample.
        duration: Length of the stream.
    """

    index: int
    codec: str
    sampling_rate: int
    channels: int
    layout: str
    start: float
    duration: float

    @property
    def end(self) -> float:
        """Time in seconds at which the stream ends."""
        return self.start + self.duration


@dataclass(frozen=True)
class MediaInfo:
    """A media file; times in seconds on the container's clock, which need not begin at 0.

    Attributes:
        name: Path, or a description of the bytes or file object.
        container: FFmpeg's name of the container format.
        duration: From ``start`` to the latest end of a stream.
        start: Earliest start of a stream.
        video: Picture streams; cover art is not one.
        audio: Sound streams.
    """

    name: str
    container: str
    duration: float
    start: float
    video: tuple[VideoStreamInfo, ...]
    audio: tuple[AudioStreamInfo, ...]

    @property
    def end(self) -> float:
        """Time in seconds at which the last stream ends."""
        return self.start + self.duration

    @property
    def has_video(self) -> bool:
        """Whether there is a picture stream."""
        return bool(self.video)

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound stream."""
        return bool(self.audio)


def probe(source: MediaSource) -> MediaInfo:
    """Tell what a media file holds.

    Args:
        source: Path, bytes, or a seekable binary file object.

    Returns:
        The container and all its picture and sound streams.

    Raises:
        MediaOpenError: The source is missing, empty or not media.

    Example:
        >>> probe("clip.mp4").video[0].fps  # doctest: +SKIP
        25.0
    """
    opened = Source(source)
    try:
        with opened.open() as container:
            return describe(container, opened.name, stream_spans(container))
    finally:
        opened.close()


def describe(
    container: av.container.InputContainer, name: str, spans: dict[int, tuple[Fraction, Fraction]]
) -> MediaInfo:
    """Describe an open container whose ``stream_spans`` are known; leaves it at an arbitrary position."""
    video = tuple(_describe_video(container, stream, *spans[stream.index]) for stream in playable(container, "video"))
    audio = tuple(_describe_audio(stream, *spans[stream.index]) for stream in playable(container, "audio"))
    start = min((info.start for info in video + audio), default=0.0)
    end = max((info.end for info in video + audio), default=0.0)
    return MediaInfo(name, container.format.name, end - start, start, video, audio)


def _describe_video(container, stream, start: Fraction, duration: Fraction) -> VideoStreamInfo:
    return VideoStreamInfo(
        index=stream.index,
        codec=stream.codec_context.name,
        width=stream.width,
        height=stream.height,
        fps=float(frame_rate(stream)),
        start=float(start),
        duration=float(duration),
        rotation=_rotation(container, stream),
        frames=stream.frames or None,
    )


def _describe_audio(stream, start: Fraction, duration: Fraction) -> AudioStreamInfo:
    return AudioStreamInfo(
        index=stream.index,
        codec=stream.codec_context.name,
        sampling_rate=stream.sample_rate,
        channels=stream.channels,
        layout=stream.layout.name,
        start=float(start),
        duration=float(duration),
    )


def _rotation(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> int:
    """Read the rotation off the first picture, the only place where the decoder shows it."""
    context = stream.codec_context
    # Reading another stream may have told the container to pass over this one.
    stream.discard = av.stream.Discard.default
    context.skip_frame = "NONKEY"
    try:
        container.seek(stream.start_time or 0, stream=stream)
        for packet in container.demux(stream):
            # The empty packet makes a decoder that reorders give its picture out at once.
            for frame in context.decode(packet) or context.decode(None):
                return rotation(frame)
            context.flush_buffers()
    except av.FFmpegError:
        pass
    finally:
        context.flush_buffers()
        context.skip_frame = "DEFAULT"
    return 0


def playable(container: av.container.InputContainer, kind: str) -> list[av.stream.Stream]:
    """List the streams of ``kind`` (``"video"`` or ``"audio"``) that can be decoded; cover art is no video."""
    return [
        stream
        for stream in getattr(container.streams, kind)
        if stream.codec_context is not None and not stream.disposition & av.stream.Disposition.attached_pic
    ]


def choose_stream(container: av.container.InputContainer, kind: str, index: int | None, name: str) -> av.stream.Stream:
    """Find the stream of ``kind`` to read: the one at ``index``, or FFmpeg's best.

    Raises:
        MissingStreamError: There is none; the text names the streams there are.
    """
    candidates = playable(container, kind)
    if index is None:
        best = container.streams.best(kind)
        if best in candidates:
            return best
        if candidates:
            return candidates[0]
    for stream in candidates:
        if stream.index == index:
            return stream
    raise MissingStreamError(
        f"no {kind} stream{'' if index is None else f' {index}'} in {name!r}: got streams "
        f"{', '.join(map(_label, container.streams))}; expected "
        f"{'one' if index is None else 'the index of one'} of type {kind}. "
        f"Choose another {'file' if index is None else 'index'}, or look at probe() before reading.",
        name,
        index,
    )


def _label(stream: av.stream.Stream) -> str:
    cover = stream.disposition & av.stream.Disposition.attached_pic
    return f"{stream.index} ({'cover art' if cover else stream.type})"


def stream_spans(container: av.container.InputContainer) -> dict[int, tuple[Fraction, Fraction]]:
    """Map each stream's index to its exact (start, duration) in seconds.

    A stream that states no length gets the container's; when that is unknown too (recordings that were never
    finished) all packets are read once to find the last one's end.
    """
    zero = Fraction(container.start_time or 0, av.time_base)
    starts = {
        stream.index: zero if stream.start_time is None else stream.start_time * stream.time_base
        for stream in container.streams
    }
    if container.duration is not None:
        end = zero + Fraction(container.duration, av.time_base)
        ends = dict.fromkeys(starts, end)
    elif any(stream.duration is None for stream in container.streams):
        ends = _last_packet_ends(container)
    else:
        ends = {}
    return {
        stream.index: (
            starts[stream.index],
            max(ends.get(stream.index, starts[stream.index]) - starts[stream.index], Fraction(0))
            if stream.duration is None
            else stream.duration * stream.time_base,
        )
        for stream in container.streams
    }


def _last_packet_ends(container: av.container.InputContainer) -> dict[int, Fraction]:
    ends = {}
    for packet in container.demux():
        if packet.pts is not None:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            ends[packet.stream_index] = max(ends.get(packet.stream_index, end), end)
    return ends


def frame_rate(stream: av.video.stream.VideoStream) -> Fraction:
    """Average frames per second of a stream; 25 when the container gives no clue (a single picture)."""
    return stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)

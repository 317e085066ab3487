"""Re-encoding a file so that random clips decode fast."""

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media._audio import AudioTrack, named_layout
from avssl_hub.media._orientation import upright
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media._video import VideoTrack
from avssl_hub.media.errors import DecodeError
from avssl_hub.media.probe import choose_stream, frame_rate, playable, stream_spans
from avssl_hub.media.write import AAC_RATES, add_aac, add_h264, atomic_mp4, encoded, mux_in_order

# Sound that mp4 holds as it is; anything else becomes AAC.
_COPIED_SOUND = ("aac", "mp3", "opus", "flac", "alac", "ac3", "eac3")

# Half the time to decode, for a file larger by a few per cent.
_FAST_FLAC = {"compression_level": "0", "frame_size": "4608"}


def prepare_media(
    source: MediaSource,
    destination: str | os.PathLike,
    *,
    gop: int = 12,
    crf: int = 18,
    short_side: int | None = None,
    sampling_rate: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Re-encode a file with a keyframe every few frames, so that reading a clip decodes few frames to keep some.

    **Pixels change**: the result is for training and for speed, never for comparing numbers with a paper. Timing
    does not: every frame keeps its time, streams keep their offsets. The best picture and sound streams are kept;
    sound is copied bit for bit where mp4 can hold it and becomes AAC otherwise, unless ``sampling_rate`` is given;
    frames are turned upright.

    Args:
        source: Path, bytes, or a seekable binary file object.
        destination: Where to write the mp4 file; appears when complete.
        gop: Frames from one keyframe to the next.
        crf: Quality of x264, 0 (lossless) to 51.
        short_side: Scale larger pictures down to this many pixels on the shorter side; None keeps the size. Odd
            sides become the even number below.
        sampling_rate: Store the sound in mono at this rate, without loss, so that reading it at this rate decodes and
            resamples almost nothing and gives the same samples; None keeps the sound as it is.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        InvalidValueError: ``short_side`` is too small, or ``sampling_rate`` out of range.
        MediaOpenError: The source is missing, empty or not media.
        MissingStreamError: The source has no picture.
        DecodeError: No frame of it decodes.
        MediaWriteError: The destination exists already or cannot be written.
    """
    if short_side is not None and short_side < 2:
        raise InvalidValueError(explain("short_side", short_side, "at least 2 pixels, or None to keep the size"))
    if sampling_rate is not None and not 1000 <= sampling_rate <= 65535:
        raise InvalidValueError(explain("sampling_rate", sampling_rate, "1000 to 65535 Hz, or None to keep the sound"))
    opened = Source(source)
    try:
        with atomic_mp4(destination, overwrite) as output, opened.open() as seen, opened.open() as heard:
            packets = [_encoded_picture(opened.name, seen, output, gop, crf, short_side)]
            if playable(heard, "audio"):
                packets.append(_sound(opened.name, heard, output, sampling_rate))
            mux_in_order(output, packets)
    finally:
        opened.close()
    return Path(destination)


def _encoded_picture(
    name: str,
    container: av.container.InputContainer,
    output: av.container.OutputContainer,
    gop: int,
    crf: int,
    short_side: int | None,
) -> Iterator[av.Packet]:
    stream = choose_stream(container, "video", None, name)
    track = VideoTrack(container, stream, stream_spans(container)[stream.index], name)
    track.listen_alone()
    decoded = track.decoded()
    first = next(decoded, None)
    if first is None:
        raise DecodeError(
            explain(
                f"cannot prepare {name!r}",
                f"no frame of stream {stream.index} that decodes",
                "a file whose picture decodes at least in part",
                "Fetch or export the file again.",
            ),
            name,
            stream.index,
        )
    width, height = _even_size(upright(np.empty((first.height, first.width)), first).shape, short_side)
    target = add_h264(output, frame_rate(stream), stream.time_base, width, height, gop, crf)
    durations = {}
    return _lasting(encoded(target, _scaled(chain([first], decoded), width, height, durations)), durations)


def _lasting(packets: Iterator[av.Packet], durations: dict[int, int]) -> Iterator[av.Packet]:
    """Give packets their frames' durations, which the encoder forgets: the last one's ends the stream."""
    for packet in packets:
        packet.duration = durations.pop(packet.pts, None)
        yield packet


def _even_size(shape: tuple[int, int], short_side: int | None) -> tuple[int, int]:
    scale = min(1.0, (short_side or min(shape)) / min(shape))
    height, width = (max(2, int(side * scale + 0.5) // 2 * 2) for side in shape)
    return width, height


def _scaled(
    frames: Iterator[av.VideoFrame], width: int, height: int, durations: dict[int, int]
) -> Iterator[av.VideoFrame]:
    """Scale and turn frames, and note how long each is shown, by its time."""
    reformatter = VideoReformatter()
    shown = None
    for frame in frames:
        # Damaged files repeat times; only one frame can be shown at each.
        if shown is not None and frame.pts <= shown:
            continue
        shown, time_base = frame.pts, frame.time_base
        durations[shown] = frame.duration
        if frame.side_data.get("DISPLAYMATRIX"):
            turned = np.ascontiguousarray(upright(frame.to_ndarray(format="rgb24"), frame))
            frame = av.VideoFrame.from_ndarray(turned, format="rgb24")
        small = reformatter.reformat(
            frame, width=width, height=height, format="yuv420p", interpolation="BICUBIC", threads=1
        )
        small.pts, small.time_base = shown, time_base
        # The source's frame types are not ours.
        small.pict_type = av.video.frame.PictureType.NONE
        yield small


def _sound(
    name: str,
    container: av.container.InputContainer,
    output: av.container.OutputContainer,
    sampling_rate: int | None,
) -> Iterator[av.Packet]:
    stream = choose_stream(container, "audio", None, name)
    track = AudioTrack(container, stream, stream_spans(container)[stream.index], name)
    track.listen_alone()
    if sampling_rate is not None:
        target = output.add_stream("flac", rate=sampling_rate, layout="mono", options=_FAST_FLAC)
        return encoded(target, _mono(track, sampling_rate))
    if stream.codec.canonical_name in _COPIED_SOUND:
        return _copied(track.packets(), output.add_stream_from_template(stream))
    rate = next((rate for rate in AAC_RATES if rate >= stream.sample_rate), AAC_RATES[-1])
    return encoded(add_aac(output, rate, named_layout(stream)), track.decoded())


def _mono(track: AudioTrack, rate: int) -> Iterator[av.AudioFrame]:
    position = round(track.start * rate)
    for block in track.resampled(rate, channels=1):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), position
        position += frame.samples
        yield frame


def _copied(packets: Iterator[av.Packet], target: av.stream.Stream) -> Iterator[av.Packet]:
    for packet in packets:
        if packet.dts is not None:
            packet.stream = target
            yield packet

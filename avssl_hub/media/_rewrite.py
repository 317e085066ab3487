"""Encoding the picture of a file again beside its sound: what preparing, painting and giving another sound share."""

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain, takewhile
from math import inf
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import torch
from av.video.reformatter import VideoReformatter

from avssl_hub.errors import explain
from avssl_hub.media._audio import AudioTrack, named_layout
from avssl_hub.media._orientation import upright
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media._video import VideoTrack
from avssl_hub.media.errors import DecodeError
from avssl_hub.media.probe import choose_stream, frame_rate, playable, stream_spans
from avssl_hub.media.write import AAC_RATES, add_aac, add_h264, atomic_mp4, encoded, mux_in_order

# Sound that mp4 holds as it is; anything else becomes AAC.
COPIED_SOUND = ("aac", "mp3", "opus", "flac", "alac", "ac3", "eac3")

# Makes a frame of another, both uint8 RGB ``(H, W, 3)``, and of its time in seconds on the container's clock.
Paint = Callable[[torch.Tensor, float], torch.Tensor]

_Timed = TypeVar("_Timed", av.VideoFrame, av.AudioFrame, av.Packet)

# Half the time to decode, for a file larger by a few per cent.
_FAST_FLAC = {"compression_level": "0", "frame_size": "4608"}


def rewrite(
    source: MediaSource,
    destination: str | os.PathLike,
    gop: int,
    crf: int,
    overwrite: bool,
    *,
    short_side: int | None = None,
    sampling_rate: int | None = None,
    paint: Paint | None = None,
    until: float = inf,
) -> Path:
    """Encode the best picture stream again, each frame painted if ``paint`` is given, beside the best sound stream.

    The other arguments, and what is raised, are those of ``prepare_media`` and ``repaint_media``.
    """
    opened = Source(source)
    try:
        with atomic_mp4(destination, overwrite) as output, opened.open() as seen, opened.open() as heard:
            packets = [encoded_picture(opened.name, seen, output, gop, crf, short_side, paint, until)]
            if playable(heard, "audio"):
                packets.append(_sound(opened.name, heard, output, sampling_rate, until))
            mux_in_order(output, packets)
    finally:
        opened.close()
    return Path(destination)


def encoded_picture(
    name: str,
    container: av.container.InputContainer,
    output: av.container.OutputContainer,
    gop: int,
    crf: int,
    short_side: int | None = None,
    paint: Paint | None = None,
    until: float = inf,
) -> Iterator[av.Packet]:
    """Add an H.264 stream to ``output`` and encode the best picture of ``container`` for it, frame times kept.

    Raises:
        DecodeError: No frame of it decodes.
    """
    stream = choose_stream(container, "video", None, name)
    track = VideoTrack(container, stream, stream_spans(container)[stream.index], name)
    track.listen_alone()
    decoded = _before(until, track.decoded())
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
    frames = _scaled(chain([first], decoded), width, height, durations, paint)
    return _lasting(encoded(target, frames), durations)


def _before(until: float, timed: Iterator[_Timed]) -> Iterator[_Timed]:
    """Pass on frames or packets, in the order of their times, up to the first that begins at ``until`` or later."""
    return takewhile(lambda item: item.pts is None or item.pts * item.time_base < until, timed)


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
    frames: Iterator[av.VideoFrame], width: int, height: int, durations: dict[int, int], paint: Paint | None
) -> Iterator[av.VideoFrame]:
    """Turn, paint and scale frames, and note how long each is shown, by its time."""
    reformatter = VideoReformatter()
    shown = None
    for frame in frames:
        # Damaged files repeat times; only one frame can be shown at each.
        if shown is not None and frame.pts <= shown:
            continue
        shown, time_base = frame.pts, frame.time_base
        durations[shown] = frame.duration
        if paint or frame.side_data.get("DISPLAYMATRIX"):
            picture = np.ascontiguousarray(upright(frame.to_ndarray(format="rgb24"), frame))
            if paint:
                picture = paint(torch.from_numpy(picture), float(shown * time_base)).numpy()
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
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
    until: float,
) -> Iterator[av.Packet]:
    stream = choose_stream(container, "audio", None, name)
    track = AudioTrack(container, stream, stream_spans(container)[stream.index], name)
    track.listen_alone()
    if sampling_rate is not None:
        target = output.add_stream("flac", rate=sampling_rate, layout="mono", options=_FAST_FLAC)
        return encoded(target, resampled_sound(track, sampling_rate))
    if stream.codec.canonical_name in COPIED_SOUND:
        return copied(_before(until, track.packets()), output.add_stream_from_template(stream))
    rate = next((rate for rate in AAC_RATES if rate >= stream.sample_rate), AAC_RATES[-1])
    return encoded(add_aac(output, rate, named_layout(stream)), _before(until, track.decoded()))


def resampled_sound(track: AudioTrack, rate: int, channels: int = 1, layout: str = "mono") -> Iterator[av.AudioFrame]:
    """Decode a sound to frames at ``rate``, mixed down or with its own channels, to be encoded in a layout of them."""
    position = round(track.start * rate)
    own = channels > 1 and channels == track.stream.channels
    for block in track.resampled(rate, None if own else channels):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T.reshape(1, -1)), format="s16", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), position
        position += frame.samples
        yield frame


def copied(packets: Iterator[av.Packet], target: av.stream.Stream) -> Iterator[av.Packet]:
    """Hand packets on to another stream as they are."""
    for packet in packets:
        if packet.dts is not None:
            packet.stream = target
            yield packet

"""A film with another sound: the picture as it is, beside a recording that belongs to it."""

import os
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av

from avssl_hub.media._audio import LAYOUTS, AudioTrack
from avssl_hub.media._rewrite import copied, encoded_picture, resampled_sound
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media.probe import choose_stream, stream_spans
from avssl_hub.media.write import AAC_RATES, add_aac, atomic_mp4, encoded, mux_in_order

_GOP, _CRF = 48, 18

# Pictures that players know in mp4.
_COPIED_PICTURES = ("h264", "hevc", "vp9", "av1")


def replace_sound(
    source: MediaSource,
    sound: MediaSource,
    destination: str | os.PathLike,
    sound_start: float,
    *,
    channels: int = 1,
    lossless: bool = False,
    overwrite: bool = False,
) -> Path:
    """Write an mp4 with the picture of one file and the sound of another.

    H.264, HEVC, VP9 and AV1 are copied bit for bit, any other picture is encoded as H.264. The sound becomes AAC, at
    the next rate that AAC knows. The file begins at 0, where the first of the two does.

    Args:
        source: The file whose best picture stream is taken.
        sound: The file whose best sound stream is taken.
        destination: Where to write; appears when complete.
        sound_start: When the sound's first sample is due, in seconds on the clock of ``source``.
        channels: 1 mixes the sound down to mono; as many as it has, up to 8, leaves its channels as they are.
        lossless: Store the sound as FLAC of 16 bits, at its own rate.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        MediaOpenError: A file is missing, empty or not media.
        MissingStreamError: ``source`` has no picture, or ``sound`` no sound.
        DecodeError: No frame of the picture decodes.
        MediaWriteError: The destination exists already or cannot be written.
    """
    with closing(Source(source)) as film, closing(Source(sound)) as recording:
        with film.open() as container:
            stream = choose_stream(container, "video", None, film.name)
            picture_start = stream_spans(container)[stream.index][0]
            as_it_is = _can_be_copied(container, stream)
        begin = min(float(picture_start), sound_start)
        with atomic_mp4(destination, overwrite) as output, film.open() as seen, recording.open() as heard:
            if as_it_is:
                stream = choose_stream(seen, "video", None, film.name)
                picture = copied(seen.demux(stream), output.add_stream_from_template(stream))
            else:
                picture = encoded_picture(film.name, seen, output, _GOP, _CRF)
            mux_in_order(
                output,
                [
                    _later(picture, -begin),
                    _later(_sound(heard, output, recording.name, channels, lossless), sound_start - begin),
                ],
            )
    return Path(destination)


def _can_be_copied(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> bool:
    """Whether mp4 players know the codec and every packet has the times that mp4 asks for."""
    if stream.codec.canonical_name not in _COPIED_PICTURES:
        return False
    last = None
    for packet in container.demux(stream):
        if not packet.size:
            continue
        if packet.pts is None or packet.dts is None or (last is not None and packet.dts <= last):
            return False
        last = packet.dts
    return last is not None


def _sound(
    container: av.container.InputContainer,
    output: av.container.OutputContainer,
    name: str,
    channels: int,
    lossless: bool,
) -> Iterator[av.Packet]:
    stream = choose_stream(container, "audio", None, name)
    track = AudioTrack(container, stream, stream_spans(container)[stream.index], name)
    if lossless:
        rate = stream.sample_rate
        target = output.add_stream("flac", rate=rate, layout=LAYOUTS[channels])
    else:
        rate = next((rate for rate in AAC_RATES if rate >= stream.sample_rate), AAC_RATES[-1])
        target = add_aac(output, rate, LAYOUTS[channels])
    return encoded(target, resampled_sound(track, rate, channels))


def _later(packets: Iterator[av.Packet], seconds: float) -> Iterator[av.Packet]:
    for packet in packets:
        ticks = round(Fraction(seconds) / packet.time_base)
        packet.pts += ticks
        packet.dts += ticks
        yield packet

"""A film with another sound: the picture as it is, beside a recording that belongs to it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path

import av

from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media._audio import LAYOUTS, AudioTrack
from avssl_hub.media._rewrite import COPIED_SOUND, copied, encoded_picture, resampled_sound
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media.probe import choose_stream, stream_spans
from avssl_hub.media.write import AAC_RATES, add_aac, add_opus, atomic_mp4, encoded, mux_in_order

_GOP, _CRF = 48, 18

# Pictures that players know in mp4.
_COPIED_PICTURES = ("h264", "hevc", "vp9", "av1")

# Of more channels AAC takes one for a subwoofer's, whose high tones it leaves out.
_MOST_AAC_CHANNELS = 4


def replace_sound(
    source: MediaSource,
    sound: MediaSource,
    destination: str | os.PathLike,
    sound_start: float,
    *,
    channels: int = 1,
    lossless: bool = False,
    others: Sequence[int] = (),
    overwrite: bool = False,
) -> Path:
    """Write an mp4 with the picture of one file and the sound of another.

    H.264, HEVC, VP9 and AV1 are copied bit for bit, any other picture is encoded as H.264. The sound becomes AAC, at
    the next rate that AAC knows; more than four channels become Opus at 48 kHz, each coded by itself. The file begins
    at 0, where the first of its streams does.

    Args:
        source: The file whose best picture stream is taken.
        sound: The file whose best sound stream is taken.
        destination: Where to write; appears when complete.
        sound_start: When the sound's first sample is due, in seconds on the clock of ``source``.
        channels: 1 mixes the sound down to mono; as many as it has leaves its channels as they are.
        lossless: Store the sound, of up to 8 channels, as FLAC of 16 bits, at its own rate.
        others: Indexes of sound streams of ``source`` that are copied as they are, to stand behind the new one.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        MediaOpenError: A file is missing, empty or not media.
        MissingStreamError: ``source`` has no picture, or ``sound`` no sound.
        DecodeError: No frame of the picture decodes.
        InvalidValueError: One of ``others`` is in a form that mp4 does not hold, or there are too many channels.
        MediaWriteError: The destination exists already or cannot be written.
    """
    if lossless and channels not in LAYOUTS:
        raise InvalidValueError(explain("channels of lossless sound", channels, f"at most {max(LAYOUTS)}"))
    with closing(Source(source)) as film, closing(Source(sound)) as recording:
        with film.open() as container:
            stream = choose_stream(container, "video", None, film.name)
            begin = min(float(stream_spans(container)[index][0]) for index in (stream.index, *others))
            as_it_is = _can_be_copied(container, stream)
            for index in others:
                _check_copied(choose_stream(container, "audio", index, film.name), film.name)
        begin = min(begin, sound_start)
        with (
            atomic_mp4(destination, overwrite) as output,
            film.open() as seen,
            recording.open() as heard,
            ExitStack() as stack,
        ):
            if as_it_is:
                stream = choose_stream(seen, "video", None, film.name)
                picture = copied(seen.demux(stream), output.add_stream_from_template(stream))
            else:
                picture = encoded_picture(film.name, seen, output, _GOP, _CRF)
            own = _sound(heard, output, recording.name, channels, lossless)
            kept = (_track(stack.enter_context(film.open()), index, output) for index in others)
            times = [-begin, sound_start - begin, *(-begin for _ in others)]
            mux_in_order(output, [_later(*pair) for pair in zip([picture, own, *kept], times)])
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


def _check_copied(stream: av.audio.stream.AudioStream, name: str) -> None:
    codec = stream.codec.canonical_name
    if codec not in COPIED_SOUND:
        what = f"keeping sound stream {stream.index} of {name!r}"
        raise InvalidValueError(explain(what, codec, f"one that mp4 holds: {', '.join(COPIED_SOUND)}"))


def _track(
    container: av.container.InputContainer, index: int, output: av.container.OutputContainer
) -> Iterator[av.Packet]:
    stream = container.streams[index]
    return copied(container.demux(stream), output.add_stream_from_template(stream))


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
        target = output.add_stream("flac", rate=stream.sample_rate, layout=LAYOUTS[channels])
    elif channels > _MOST_AAC_CHANNELS:
        target = add_opus(output, channels)
    else:
        rate = next((rate for rate in AAC_RATES if rate >= stream.sample_rate), AAC_RATES[-1])
        target = add_aac(output, rate, LAYOUTS[channels])
    return encoded(target, resampled_sound(track, target.rate, channels, target.layout.name))


def _later(packets: Iterator[av.Packet], seconds: float) -> Iterator[av.Packet]:
    for packet in packets:
        ticks = round(Fraction(seconds) / packet.time_base)
        packet.pts += ticks
        packet.dts += ticks
        yield packet

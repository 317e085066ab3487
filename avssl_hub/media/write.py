"""Writing mp4 files (H.264 and AAC) that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fractions import Fraction
from heapq import merge
from itertools import chain
from pathlib import Path

import av
import numpy as np
import torch

from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media._audio import LAYOUTS
from avssl_hub.media.errors import MediaWriteError

# Denominators up to this one hold every customary frame rate exactly (30000/1001 and the like).
_RATE_DENOMINATOR = 1001

# Samples handed to the encoder at a time.
_AUDIO_BLOCK = 4096

# Per second, where there are more than two channels.
_BITS_PER_CHANNEL = 128_000

AAC_RATES = (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


def write_media(
    path: str | os.PathLike,
    frames: torch.Tensor | Iterable[torch.Tensor],
    fps: float,
    samples: torch.Tensor | None = None,
    sampling_rate: int | None = None,
    *,
    gop: int = 12,
    crf: int = 18,
    overwrite: bool = False,
) -> Path:
    """Write frames and sound as an mp4 file (H.264 yuv420p without B frames, AAC).

    The file is written beside its place and moved there when complete; whatever interrupts that leaves nothing.

    Args:
        path: Where to write.
        frames: uint8 RGB ``(T, H, W, 3)``, or an iterable of ``(H, W, 3)`` frames of one size. H and W are even.
        fps: Frames per second.
        samples: Float sound ``(channels, n)`` in -1 to 1, 1 to 8 channels, or None for a silent film.
        sampling_rate: Samples per second, one of those AAC knows; needed with ``samples``.
        gop: Frames from one keyframe to the next.
        crf: Quality of x264, 0 (lossless) to 51.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        InvalidValueError: Frames or samples have another shape, type or rate, or a side is odd.
        MediaWriteError: The file exists already, or cannot be encoded or written.
    """
    if not fps > 0:
        raise InvalidValueError(explain("fps", fps, "a number above 0"))
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise InvalidValueError(explain("frames", "none", "at least one frame"))
    height, width = _checked(first, None).shape[:2]
    sound = None if samples is None else _checked_sound(samples, sampling_rate)
    rate = Fraction(fps).limit_denominator(_RATE_DENOMINATOR)
    with atomic_mp4(path, overwrite) as output:
        video = add_h264(output, rate, 1 / rate, width, height, gop, crf)
        packets = [encoded(video, _video_frames(chain([first], pictures), (height, width, 3), 1 / rate))]
        if sound is not None:
            audio = add_aac(output, sampling_rate, LAYOUTS[len(sound)])
            packets.append(encoded(audio, _audio_frames(sound, sampling_rate)))
        mux_in_order(output, packets)
    return Path(path)


def atomic_mp4(path: str | os.PathLike, overwrite: bool) -> AbstractContextManager[av.container.OutputContainer]:
    """Open an mp4 container whose index comes first; see ``atomic_container``."""
    return atomic_container(path, overwrite, "mp4", {"movflags": "faststart"})


@contextmanager
def atomic_container(
    path: str | os.PathLike, overwrite: bool, container_format: str, options: dict[str, str]
) -> Iterator[av.container.OutputContainer]:
    """Open a container that takes its place only when the block ends well; else nothing stays behind.

    Raises:
        MediaWriteError: The file exists and may not be replaced, or writing failed.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise MediaWriteError(
            explain(
                f"cannot write {str(path)!r}",
                "a file that exists already",
                "a new name",
                "Choose another name, or pass overwrite=True to replace it.",
            ),
            str(path),
        )
    partial = path.absolute().with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    output = None
    try:
        output = av.open(str(partial), "w", format=container_format, options=options)
        yield output
        output.close()
        os.replace(partial, path)
    except (av.FFmpegError, OSError) as error:
        raise MediaWriteError(
            explain(
                f"cannot write {str(path)!r}",
                error.strerror or str(error),
                f"a folder that can be written, with room on the disk, and media that {container_format} can hold",
                "Nothing was left behind; remove the cause and run it again.",
            ),
            str(path),
        ) from error
    finally:
        if output is not None:
            with suppress(av.FFmpegError, OSError):
                output.close()
        partial.unlink(missing_ok=True)


def add_h264(
    output: av.container.OutputContainer,
    rate: Fraction,
    time_base: Fraction,
    width: int,
    height: int,
    gop: int,
    crf: int,
) -> av.video.stream.VideoStream:
    """Add an H.264 stream with a keyframe at least every ``gop`` frames and frames in the order they are shown."""
    stream = output.add_stream("libx264", rate=rate, options={"crf": str(crf), "bf": "0", "tune": "fastdecode"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.gop_size = gop
    stream.codec_context.time_base = time_base
    return stream


def add_aac(output: av.container.OutputContainer, sampling_rate: int, layout: str) -> av.audio.stream.AudioStream:
    """Add an AAC stream.

    Raises:
        InvalidValueError: AAC does not know the rate.
    """
    if sampling_rate not in AAC_RATES:
        raise InvalidValueError(
            explain(
                "sampling_rate",
                sampling_rate,
                f"one that AAC knows: {', '.join(map(str, AAC_RATES))}",
                "Resample the sound first.",
            )
        )
    stream = output.add_stream("aac", rate=sampling_rate, layout=layout)
    if stream.channels > 2:
        # By itself the encoder gives all channels of such a layout together what two need, and codes pairs by their
        # loudness alone; the channels of an ambisonic track mean something by their phase.
        stream.bit_rate = _BITS_PER_CHANNEL * stream.channels
        stream.options = {"aac_is": "0"}
    return stream


def add_opus(output: av.container.OutputContainer, channels: int) -> av.audio.stream.AudioStream:
    """Add an Opus stream at 48 kHz whose channels, of any number, are no loudspeakers and coded each by itself."""
    stream = output.add_stream("libopus", rate=48_000, layout=f"{channels} channels", options={"mapping_family": "255"})
    stream.bit_rate = _BITS_PER_CHANNEL * channels
    return stream


def encoded(stream: av.stream.Stream, frames: Iterable[av.VideoFrame | av.AudioFrame]) -> Iterator[av.Packet]:
    """Encode frames to the last packet."""
    for frame in chain(frames, [None]):
        yield from stream.encode(frame)


def mux_in_order(output: av.container.OutputContainer, packets: list[Iterator[av.Packet]]) -> None:
    """Write the packets of several streams by time, so that the container need not hold many back."""
    for packet in merge(*packets, key=lambda packet: packet.dts * packet.time_base):
        output.mux(packet)


def _checked(picture: torch.Tensor, shape: tuple[int, ...] | None) -> np.ndarray:
    picture = np.ascontiguousarray(picture)
    rule = f"uint8 of shape {shape or '(H, W, 3)'} with H and W even"
    fits = picture.shape == shape if shape else picture.ndim == 3 and picture.shape[2] == 3
    if not fits or picture.dtype != np.uint8 or picture.shape[0] % 2 or picture.shape[1] % 2:
        got = f"{picture.dtype} of shape {picture.shape}"
        raise InvalidValueError(explain("frame", got, rule, "Crop or pad odd sides by one."))
    return picture


def _checked_sound(samples: torch.Tensor, sampling_rate: int | None) -> np.ndarray:
    sound = np.asarray(samples)
    if sound.ndim != 2 or len(sound) not in LAYOUTS or not np.issubdtype(sound.dtype, np.floating):
        got = f"{sound.dtype} of shape {sound.shape}"
        raise InvalidValueError(explain("samples", got, "floats of shape (1 to 8 channels, n)"))
    if sampling_rate is None:
        raise InvalidValueError(explain("sampling_rate", None, "samples per second, since there are samples"))
    return sound.astype(np.float32)


def _video_frames(
    pictures: Iterable[torch.Tensor], shape: tuple[int, ...], time_base: Fraction
) -> Iterator[av.VideoFrame]:
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(_checked(picture, shape), format="rgb24")
        frame.pts, frame.time_base = number, time_base
        yield frame


def _audio_frames(sound: np.ndarray, sampling_rate: int) -> Iterator[av.AudioFrame]:
    for begin in range(0, sound.shape[1], _AUDIO_BLOCK):
        block = np.ascontiguousarray(sound[:, begin : begin + _AUDIO_BLOCK])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=LAYOUTS[len(sound)])
        frame.sample_rate, frame.pts, frame.time_base = sampling_rate, begin, Fraction(1, sampling_rate)
        yield frame

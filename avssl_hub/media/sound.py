"""Sound as it is: every channel of a file, in floats, whole or in blocks that follow each other; and writing it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
import torch

from avssl_hub.errors import InvalidValueError, explain, unknown_name
from avssl_hub.media._audio import AudioTrack
from avssl_hub.media._channel_order import stored_places
from avssl_hub.media._source import MediaSource, Source
from avssl_hub.media.probe import choose_stream, stream_spans
from avssl_hub.media.write import atomic_container

_CODECS = {"float32": ("pcm_f32le", "flt"), "int16": ("pcm_s16le", "s16")}


class SoundReader:
    """Read all channels of a file's sound, unmixed and in their order, in one pass and bounded memory.

    Sound is laid out by its timestamps: gaps are silence. Iterating yields float32 blocks ``(channels, n)``; 16-bit
    values are divided by 32768. A cut file gives fewer samples than ``length``.

    Args:
        source: Path, bytes, or a seekable binary file object (left open).
        sampling_rate: Samples per second wanted; the file's own by default.
        audio_stream: Index of the stream to read; FFmpeg's best one by default.

    Attributes:
        name: Name of the file.
        sampling_rate: Samples per second of what is read.
        channels: Number of channels.
        start: Time of the first sample in seconds on the container's clock.
        length: Samples a channel, as the header has it.
        stored_places: For each channel in the order in which the file holds it, its place among those that are read.
            The two differ where 3 or 5 to 8 channels of Vorbis or Opus are taken for loudspeakers.

    Raises:
        InvalidValueError: ``sampling_rate`` is not positive.
        MediaOpenError: The source is missing, empty or not media.
        MissingStreamError: The file has no sound.

    Example:
        >>> with SoundReader("ambisonics.wav") as sound:  # doctest: +SKIP
        ...     power = sum(block.square().sum(1) for block in sound)
    """

    def __init__(self, source: MediaSource, sampling_rate: int | None = None, audio_stream: int | None = None):
        if sampling_rate is not None and sampling_rate < 1:
            raise InvalidValueError(explain("sampling_rate", sampling_rate, "samples per second, 1 or more"))
        self._source = Source(source)
        try:
            self._container = self._source.open()
            stream = choose_stream(self._container, "audio", audio_stream, self._source.name)
        except Exception:
            self.close()
            raise
        self._track = AudioTrack(self._container, stream, stream_spans(self._container)[stream.index], self.name)
        self.sampling_rate = int(sampling_rate or stream.sample_rate)
        self.channels = stream.channels
        self.stored_places = stored_places(stream)
        self.start = float(self._track.start)
        self.length = round(self._track.duration * self.sampling_rate)

    def __enter__(self) -> "SoundReader":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield the sound from its beginning; each call begins anew.

        Raises:
            DecodeError: The sound changes its rate on the way.
        """
        self._track.listen_alone()
        self._track.rewind()
        for block in self._track.resampled(self.sampling_rate, None, "flt"):
            yield torch.from_numpy(np.ascontiguousarray(block))

    @property
    def name(self) -> str:
        """Path of the file, or what stands for it."""
        return self._source.name

    def close(self) -> None:
        """Close the file; a file object that was passed in stays open."""
        if "_container" in vars(self):
            self._container.close()
        self._source.close()


def read_sound(source: MediaSource, sampling_rate: int | None = None) -> tuple[torch.Tensor, int]:
    """Read all channels of a file's sound, unmixed; see ``SoundReader``, which also says what is raised.

    Returns:
        float32 ``(channels, n)``, and its samples per second.
    """
    with closing(SoundReader(source, sampling_rate)) as sound:
        return torch.cat([torch.zeros(sound.channels, 0), *sound], 1), sound.sampling_rate


def write_sound(
    path: str | os.PathLike,
    samples: torch.Tensor | Iterable[torch.Tensor],
    sampling_rate: int,
    *,
    sample_format: str = "float32",
    overwrite: bool = False,
) -> Path:
    """Write a wav file of any number of channels and any length (RF64 from 4 GiB on).

    Args:
        path: Where to write; appears when complete.
        samples: Float ``(channels, n)``, or an iterable of such blocks that follow each other.
        sampling_rate: Samples per second.
        sample_format: ``"float32"``, or ``"int16"``, which cuts what is beyond ±1.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        UnknownNameError: ``sample_format`` is neither.
        InvalidValueError: A block has another shape or type, or there is no sample.
        MediaWriteError: The file exists already or cannot be written.
    """
    if sample_format not in _CODECS:
        raise unknown_name("sample_format", sample_format, _CODECS)
    blocks = iter([samples] if isinstance(samples, torch.Tensor) else samples)
    first = next(blocks, None)
    if first is None:
        raise InvalidValueError(explain("samples", "no block", "at least one"))
    if first.ndim != 2 or not len(first):
        raise InvalidValueError(explain("samples", f"shape {tuple(first.shape)}", "(channels, n)"))
    codec, packed = _CODECS[sample_format]
    channels, position = len(first), 0
    # Beyond two channels no loudspeakers are named, for the channels of ambisonics are none.
    layout = ("mono", "stereo")[channels - 1] if channels <= 2 else f"{channels} channels"
    with atomic_container(path, overwrite, "wav", {"rf64": "auto"}) as output:
        stream = output.add_stream(codec, rate=sampling_rate, layout=layout)
        for block in chain([first], blocks):
            rows = _packed(block, channels, sample_format)
            if not rows.size:
                continue
            frame = av.AudioFrame.from_ndarray(rows, format=packed, layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = sampling_rate, Fraction(1, sampling_rate), position
            position += block.shape[1]
            output.mux(stream.encode(frame))
        if not position:
            raise InvalidValueError(explain(f"samples for {path}", "none", "at least one"))
        output.mux(stream.encode(None))
    return Path(path)


def _packed(block: torch.Tensor, channels: int, sample_format: str) -> np.ndarray:
    """Interleave a block to ``(1, channels * n)`` in the type to write."""
    if block.ndim != 2 or len(block) != channels or not block.is_floating_point():
        got = f"{str(block.dtype).removeprefix('torch.')} of shape {tuple(block.shape)}"
        raise InvalidValueError(explain("samples", got, f"floats of shape ({channels}, n)"))
    rows = block.detach().cpu().T.reshape(1, -1)
    if sample_format == "int16":
        return (rows * 32768).round().clamp(-32768, 32767).to(torch.int16).numpy()
    return rows.to(torch.float32).numpy()

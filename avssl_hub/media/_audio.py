"""Sound: samples laid out by their timestamps, resampled on one fixed grid, and cut to windows.

Output sample ``i`` of a stream stands for the time ``stream start + i / rate``, wherever reading began: decoding
starts at a source sample where the resampler's phase is zero, so a seek gives bit for bit what one pass gives. Two
decoders spoil that, by a little: AAC draws the noise it substitutes from a generator that runs on, MP2 its dither.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, gcd

import av
import numpy as np
import torch
from av.audio.frame import format_dtypes

from avssl_hub.errors import explain
from avssl_hub.media._track import Track
from avssl_hub.media.errors import DecodeError

# Timestamps that jump by less than this many seconds are jitter; larger jumps are gaps or overlaps.
_JITTER = 0.05

# Seconds decoded and dropped after a seek: the bit reservoir of MP3 and the overlap of AAC and Opus need it.
_PREROLL = 0.25

# Samples of the slower of the two rates to feed before a window; the resampler's filter reaches back by 16.
_FILTER_REACH = 64

# Decoders with a state that seeking does not reset: noise substitution in AAC, dither in MP2.
_REMEMBERING = ("aac", "mp2")

# Samples given to the resampler at once; a call costs as much as resampling a thousand.
_JOINED = 8192

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


@dataclass(frozen=True)
class AudioClip:
    """Sound of one window.

    Attributes:
        samples: float32 ``(channels, n)``, 16-bit values divided by 32767, ``n = round(duration * sampling_rate)``.
        sampling_rate: Samples per second.
        start: Requested start in seconds.
        present: Fraction of the window, 0 to 1, that the stream really covers; the rest is zeros.
    """

    samples: torch.Tensor
    sampling_rate: int
    start: float
    present: float


class AudioTrack(Track[av.AudioFrame]):
    """A sound stream that answers windows to the sample."""

    kind = "audio"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._source_rate = self.stream.sample_rate
        self._samples_per_tick = float(self.time_base * self._source_rate)
        self._covered: deque[list[int]] = deque()
        self._read_before = False
        # Containers that count milliseconds only say about where a frame stands; codecs with frames of equal length
        # tell the rest, once the length of the first, which may be trimmed, is known.
        self._first_length = self._measure_first_frame() if self._samples_per_tick > 1 else None

    @property
    def spent(self) -> bool:
        """Whether what was read before would change what a read gives."""
        return self._read_before and self.stream.codec_context.name in _REMEMBERING

    def read(self, start: float, duration: float, rate: int, channels: int | None) -> AudioClip:
        """Seek to one window and decode it."""
        self._read_before = True
        begin = round((start - float(self.start)) * rate)
        if begin + round(duration * rate) <= 0 or start >= self.end:
            self._covered.clear()
            return next(self._answer(iter(()), [(start, duration)], rate, channels))
        up, down = self._ratio(rate)
        reach = _FILTER_REACH * max(1, ceil(down / up))
        first = max(0, (begin * down // up - reach) // down * down)
        target = self.start_pts + int((first / self._source_rate - _PREROLL) / self.time_base)
        blocks = self._resampled(self.frames_reaching(target), first, rate, channels)
        return next(self._answer(blocks, [(start, duration)], rate, channels, first // down * up))

    def windows(self, spans: Iterable[tuple[float, float]], rate: int, channels: int | None) -> Iterator[AudioClip]:
        """Answer windows (start, duration) with rising starts in one pass from where the container stands."""
        return self._answer(self.resampled(rate, channels), spans, rate, channels)

    def resampled(self, rate: int, channels: int | None, sample_format: str = "s16") -> Iterator[np.ndarray]:
        """Resample from where the container stands to blocks ``(channels, n)`` that follow each other.

        They are int16, or float32 (16-bit values divided by 32768) if ``sample_format`` is ``"flt"``.
        """
        return self._resampled(self.decoded(), 0, rate, channels, sample_format)

    def _ratio(self, rate: int) -> tuple[int, int]:
        common = gcd(rate, self._source_rate)
        return rate // common, self._source_rate // common

    def _layout(self, channels: int | None) -> str:
        if channels is None or (channels == self.stream.channels and channels > 1):
            return named_layout(self.stream)
        return LAYOUTS[channels]

    def _placed(self, frames: Iterator[av.AudioFrame], first: int) -> Iterator[av.AudioFrame]:
        """Lay frames end to end from source sample ``first``: gaps become silence, overlaps are cut."""
        self._covered.clear()
        laid = first
        following = None
        for frame in frames:
            if frame.sample_rate != self._source_rate:
                raise self._undecodable(
                    frame.time, f"sound that changes to {frame.sample_rate} Hz", f"{self._source_rate} Hz throughout"
                )
            position = self._position(frame, following)
            following = position + frame.samples
            if following <= laid:
                continue
            while position > laid:
                count = min(position - laid, self._source_rate)
                yield _silence(frame, count)
                laid += count
            if position < laid:
                frame = _like(frame, _channels_first(frame)[:, laid - position :])
            if self._covered and self._covered[-1][1] == laid:
                self._covered[-1][1] = following
            else:
                self._covered.append([laid, following])
            yield frame
            laid = following

    def _position(self, frame: av.AudioFrame, following: int | None) -> int:
        """Source sample at which ``frame`` stands, ``following`` being the one after the frame before it."""
        position = round((frame.pts - self.start_pts) * self._samples_per_tick)
        if following is not None:
            return following if abs(position - following) <= _JITTER * self._source_rate else position
        if self._first_length is None:
            return position
        exact = self._first_length + round((position - self._first_length) / frame.samples) * frame.samples
        return exact if abs(exact - position) <= self._samples_per_tick else position

    def _measure_first_frame(self) -> int:
        first = next(self.frames_reaching(self.start_pts), None)
        self.rewind()
        return first.samples if first else 0

    def _resampled(
        self,
        frames: Iterator[av.AudioFrame],
        first: int,
        rate: int,
        channels: int | None,
        sample_format: str = "s16",
    ) -> Iterator[np.ndarray]:
        """Resample to blocks ``(channels, n)``, following each other from source sample ``first``."""
        resampler = av.AudioResampler(format=sample_format, layout=self._layout(channels), rate=rate)
        try:
            for frame in _joined(self._placed(frames, first)):
                yield from (_channels_first(block) for block in resampler.resample(frame) if block is not None)
        except (ValueError, av.FFmpegError) as error:
            raise self._undecodable(
                None, str(error), f"sound that can become {self._layout(channels)} at {rate} Hz"
            ) from error

    def _answer(
        self,
        blocks: Iterator[np.ndarray],
        spans: Iterable[tuple[float, float]],
        rate: int,
        channels: int | None,
        origin: int = 0,
    ) -> Iterator[AudioClip]:
        """Cut windows out of blocks that follow each other from output sample ``origin``."""
        held: deque[np.ndarray] = deque()
        held_from = held_to = origin
        count = av.AudioLayout(self._layout(channels)).nb_channels
        for start, duration in spans:
            begin = round((start - float(self.start)) * rate)
            end = begin + round(duration * rate)
            while held_to < end and (block := next(blocks, None)) is not None:
                held.append(block)
                held_to += block.shape[1]
            while held and held_from + held[0].shape[1] <= begin:
                held_from += held.popleft().shape[1]
            samples = np.zeros((count, end - begin), dtype=np.int16)
            position = held_from
            for block in held:
                left, right = max(begin, position), min(end, position + block.shape[1])
                if left < right:
                    samples[:, left - begin : right - begin] = block[:, left - position : right - position]
                position += block.shape[1]
            floats = torch.from_numpy(samples).to(torch.float32) / 32767
            yield AudioClip(floats, rate, start, self._present(start, duration))

    def _present(self, start: float, duration: float) -> float:
        begin = (start - float(self.start)) * self._source_rate
        end = begin + duration * self._source_rate
        while self._covered and self._covered[0][1] <= begin:
            self._covered.popleft()
        covered = sum(max(0.0, min(end, right) - max(begin, left)) for left, right in self._covered)
        return min(1.0, covered / (end - begin))

    def _undecodable(self, time: float | None, got: str, expected: str) -> DecodeError:
        return DecodeError(
            explain(
                f"cannot read sound of stream {self.stream.index} in {self.name!r}"
                + (f" at {time:.3f} s" if time is not None else ""),
                got,
                expected,
                "Convert the file with prepare_media(), or choose another stream or channel count.",
            ),
            self.name,
            self.stream.index,
            time,
        )


def named_layout(stream: av.audio.stream.AudioStream) -> str:
    """Name the stream's channel layout; the usual one of that many channels when the file only counts them."""
    name = stream.layout.name
    return LAYOUTS.get(stream.channels, name) if name.endswith(" channels") else name


def _joined(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame | None]:
    """Join frames laid end to end into fewer, longer ones, and say None when there are no more."""
    joined = av.AudioFifo()
    for frame in frames:
        # The fifo would check times, which resampling has no use for.
        frame.pts = None
        joined.write(frame)
        if joined.samples >= _JOINED:
            yield joined.read()
    if joined.samples:
        yield joined.read()
    yield None


def _channels_first(frame: av.AudioFrame) -> np.ndarray:
    """View a frame's samples as ``(channels, n)``, planar or not."""
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        return frame.to_ndarray().reshape(-1, channels).T
    # Where there are eight planes, to_ndarray() would read a ninth from an address that is none.
    return np.stack([np.frombuffer(plane, _dtype(frame), frame.samples) for plane in frame.planes[:channels]])


def _dtype(frame: av.AudioFrame) -> np.dtype:
    return np.dtype(format_dtypes[frame.format.name])


def _silence(frame: av.AudioFrame, count: int) -> av.AudioFrame:
    """Make ``count`` samples of silence in the format of ``frame``."""
    # Unsigned samples rest at the middle of their range.
    rest = 128 if _dtype(frame) == np.uint8 else 0
    return _like(frame, np.full((frame.layout.nb_channels, count), rest))


def _like(frame: av.AudioFrame, samples: np.ndarray) -> av.AudioFrame:
    """Make a frame of ``samples`` ``(channels, n)`` in the format of ``frame``."""
    made = av.AudioFrame(frame.format.name, frame.layout.name, samples.shape[1])
    rows = samples if frame.format.is_planar else samples.T.reshape(1, -1)
    # zip() stops before a ninth plane, as above.
    for plane, row in zip(made.planes, np.ascontiguousarray(rows, dtype=_dtype(frame))):
        plane.update(row)
    made.sample_rate = frame.sample_rate
    made.time_base = frame.time_base
    return made

"""Windows of a 360° film in one pass: equirectangular frames, and the ambisonics around them."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil, floor
from typing import TYPE_CHECKING

import torch

from ..audio.ambisonics.conventions import FIRST_ORDER_CHANNELS
from ..audio.blocks import windows_at
from ..errors import explain
from ..media import DecodeError, PictureReader, SoundReader
from ._sphere_film import SphereFilm
from ._sphere_source import ambisonic_blocks, sphere_frames
from ._windows import SOUND_COVERAGE, window_starts

if TYPE_CHECKING:
    from ..models.avsa import AvsaProcessor

# What 16 bits cannot hold is silence.
_SILENCE = 1 / 32768


@dataclass(frozen=True)
class SphereWindow:
    """One window.

    Attributes:
        start: Start in seconds on the picture's clock.
        end: Its end; the film's where that cuts it short.
        frames: uint8 ``(T, 3, H, 2 * H)``, of the middle of the window.
        ambisonics: ``(4, n)``: W, Y, Z, X.
        reason: Why its sound has no direction to compare with the picture; empty if it has.
    """

    start: float
    end: float
    frames: torch.Tensor
    ambisonics: torch.Tensor
    reason: str


class SphereWindows:
    """Windows as long as a network's clip, to be gone through once; the last one ends with picture or sound.

    Args:
        film: The film.
        picture: Reader of its picture.
        sound: Reader of its sound, at the processor's rate.
        processor: Length of a clip.
        hop: Seconds from one window's start to the next, brought to whole frames.

    Raises:
        DecodeError: There is no time at which there are both.
    """

    def __init__(
        self, film: SphereFilm, picture: PictureReader, sound: SoundReader, processor: "AvsaProcessor", hop: float
    ):
        self._film, self._picture, self._sound, self._rules = film, picture, sound, processor
        self._sound_start = sound.start - film.lag
        begin = max(picture.stream.start, self._sound_start)
        self.end = min(picture.stream.end, self._sound_start + sound.length / sound.sampling_rate)
        if not begin < self.end:
            got, rule = "no time with both", "sound that begins before the picture ends, and ends after it begins"
            raise DecodeError(explain(f"picture and sound of {film.name!r}", got, rule), film.name)
        fps, length = processor.fps, processor.audio_duration
        total = floor((self.end - begin) * fps + 1e-6)
        self._firsts = window_starts(total, ceil(length * fps - 1e-6), max(1, round(hop * fps)))
        self._begin = begin
        # Frames come from the middle of a window, or of what there is of it.
        self._lead = max(0.0, (min(length, self.end - begin) - processor.video_duration) / 2)

    def __len__(self) -> int:
        return len(self._firsts)

    def __iter__(self) -> Iterator[SphereWindow]:
        rules, rate = self._rules, self._rules.sampling_rate
        starts = [self._begin + first / rules.fps for first in self._firsts]
        samples = (round((start - self._sound_start) * rate) for start in starts)
        blocks = ambisonic_blocks(self._sound, self._film.places[:FIRST_ORDER_CHANNELS])
        sounds = windows_at(blocks, samples, FIRST_ORDER_CHANNELS, round(rules.audio_duration * rate))
        for start, (frames, ended), (sound, present) in zip(starts, self._frames(), sounds):
            end = min(start + rules.audio_duration, self.end)
            reason = "the picture is over" if ended else self._judged(sound, present / rate, end - start)
            yield SphereWindow(start, end, frames, sound, reason)

    def _frames(self) -> Iterator[tuple[torch.Tensor, bool]]:
        """Give each window's frames, and whether the picture was over before the first of them."""
        length = self._rules.num_frames
        # What is smaller is not enlarged.
        height = min(2 * self._rules.view_size, self._picture.stream.height)
        frames = sphere_frames(self._picture, self._film.sphere, self._times(), height)
        held: deque[tuple[torch.Tensor, bool]] = deque(maxlen=length)
        reached = 0
        for first in self._firsts:
            fresh = min(length, first + length - reached)
            held.extend((frame, self._picture.ended) for frame in islice(frames, fresh))
            reached = first + length
            yield torch.stack([frame for frame, _ in held]), held[0][1]

    def _times(self) -> Iterator[float]:
        """Give the times of all frames, each once though windows may share some."""
        reached = 0
        for first in self._firsts:
            for number in range(max(first, reached), first + self._rules.num_frames):
                yield self._begin + self._lead + number / self._rules.fps
            reached = first + self._rules.num_frames

    def _judged(self, sound: torch.Tensor, present: float, inside: float) -> str:
        length = self._rules.audio_duration
        if inside < SOUND_COVERAGE * length:
            return f"the film has {inside:.2f} s, and a window {length:g} s"
        if present < SOUND_COVERAGE * inside:
            return f"the sound track covers {present / inside:.0%} of the window"
        if not sound.isfinite().all():
            return "samples that are no numbers"
        peaks = sound.abs().amax(1)
        if peaks.max() < _SILENCE:
            return "sound is silence"
        # Y and X alone change when a sound field is turned about the vertical.
        return "" if max(peaks[1], peaks[3]) >= _SILENCE else "sound without left, right, front and back"

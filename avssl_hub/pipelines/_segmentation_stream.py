"""One 360° film on its way through a network that segments: its clips, what is seen in them, and what to tell of it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import torch

from ..audio.ambisonics.conventions import FIRST_ORDER_CHANNELS
from ..audio.blocks import windows_at
from ..media import MediaSource, PictureReader, probe
from ._remarks import Remarks
from ._sphere import find_sphere
from ._sphere_film import find_film
from ._sphere_source import VideoLayout, ambisonic_blocks, metadata_of, sphere_frames
from ._windows import SOUND_COVERAGE

if TYPE_CHECKING:
    from .segment import SegmentationPipeline


class Moment(NamedTuple):
    """What is seen from one time to the next.

    Attributes:
        time: Where it begins, in seconds on the file's clock.
        classes: uint8 ``(H, 2 * H)``, equirectangular.
        shares: Share of the sphere that each class has, float64 ``(C,)``.
    """

    time: float
    classes: torch.Tensor
    shares: torch.Tensor


class SegmentationStream:
    """The moments of one film, to be gone through once.

    Attributes:
        file: Name of the film.
        start: Time at which its picture starts, in seconds.
        sphere: How the picture covers the sphere.
        metadata: What the film says of itself.
        every: Seconds from one moment to the next.
        count: Moments, as the header has it.
    """

    def __init__(
        self,
        pipe: "SegmentationPipeline",
        source: MediaSource,
        stack: ExitStack,
        every: float,
        layout: VideoLayout,
        channels: Sequence[int] | None,
    ):
        self._pipe, rules = pipe, pipe.processor
        info, self.metadata = probe(source), metadata_of(source)
        self._picture = stack.enter_context(PictureReader(source))
        stream = self._picture.stream
        self.file, self.start, self.every = info.name, stream.start, every
        self.count = max(1, ceil((stream.end - stream.start) / every - 1e-6))
        self._remarks = Remarks()
        self._film, self._sound = None, None
        if pipe.hears:
            self._film = find_film(source, layout, channels)
            self._sound = stack.enter_context(self._film.open_sound(rules.sampling_rate))
            self.sphere, self._taken = self._film.sphere, self._film.notes
        else:
            self.sphere = find_sphere(info.name, stream, self.metadata, layout.projection, layout.stereo)
            self._taken = self.sphere.notes

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted, is missing or odd; times on the file's clock."""
        notes = [*self._taken]
        last, end = self._picture.held_from, self._picture.stream.end
        if last is not None and last < end - self.every:
            notes.append(f"no picture decodes after {last:.2f} s, though the header says {end:.2f} s")
        return (*notes, *self._remarks.lines)

    def __iter__(self) -> Iterator[Moment]:
        starts = [self.start + number * self.every for number in range(self.count)]
        clips = zip(starts, self._clips(starts), self._sounds(starts))
        for start, frames, sound in clips:
            if self._picture.held_from is not None and start >= self._picture.held_from and start > self.start:
                return
            classes, shares = self._pipe.segment(frames, sound)
            yield Moment(start, classes, shares)

    def _clips(self, starts: list[float]) -> Iterator[torch.Tensor]:
        """Read the frames of each clip, uint8 ``(T, 3, H, 2 * H)``."""
        rules = self._pipe.processor
        times = (start + number / rules.fps for start in starts for number in range(rules.num_frames))
        frames = sphere_frames(self._picture, self.sphere, times, self._pipe.height)
        for _ in starts:
            yield torch.stack(list(islice(frames, rules.num_frames)))

    def _sounds(self, starts: list[float]) -> Iterator[torch.Tensor | None]:
        """Read the sound ``(4, n)`` around each clip."""
        if self._film is None:
            yield from [None] * len(starts)
            return
        rules, sound = self._pipe.processor, self._sound
        before = (rules.audio_duration - rules.video_duration) / 2
        firsts = [round((start - before + self._film.lag - sound.start) * rules.sampling_rate) for start in starts]
        length = round(rules.audio_duration * rules.sampling_rate)
        blocks = ambisonic_blocks(sound, self._film.places[:FIRST_ORDER_CHANNELS])
        for start, (window, present) in zip(starts, windows_at(blocks, firsts, FIRST_ORDER_CHANNELS, length)):
            if present < SOUND_COVERAGE * length:
                self._remarks.tell("no sound, taken for silence", start, start + self.every)
            yield window

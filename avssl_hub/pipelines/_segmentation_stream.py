"""One 360° film on its way through a network that segments: its clips, what is seen in them, and what to tell of it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from math import ceil
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import torch

from ..audio.blocks import windows_at
from ..data.sound_beside import sound_beside
from ..errors import explain
from ..media import MissingStreamError, PictureReader, SoundReader, probe
from ..models.avsa.processing_avsa import CHANNELS
from ._remarks import Remarks
from ._sphere import find_sphere
from ._sphere_source import VideoLayout, ambisonic_blocks, ambisonic_channels, metadata_of, sphere_frames
from ._windows import SOUND_COVERAGE

if TYPE_CHECKING:
    from .segment import SegmentationPipeline

Source = str | PathLike | bytes | BinaryIO


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
        source: Source,
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
        self.sphere = find_sphere(info.name, stream, self.metadata, layout.projection, layout.stereo)
        self.count = max(1, ceil((stream.end - stream.start) / every - 1e-6))
        self._taken: list[str] = []
        self._remarks = Remarks()
        self._sound = self._open_sound(source, stack, channels, rules.sampling_rate) if pipe.hears else None

    def _open_sound(
        self, source: Source, stack: ExitStack, channels: Sequence[int] | None, rate: int
    ) -> tuple[SoundReader, Sequence[int], float]:
        """Open the ambisonics; also tell which channels they are, and by how much their clock is ahead."""
        beside = sound_beside(Path(source)) if isinstance(source, str | PathLike) else None
        film, heard = probe(source), probe(beside or source)
        if beside:
            self._taken.append(f"sound taken from {beside}")
        if not heard.has_audio:
            step = "Give a film with ambisonics, or take a model that only sees."
            rule = f"ambisonics, since the model hears ({self._pipe.model.config.segmentation_condition!r})"
            raise MissingStreamError(explain(f"sound of {heard.name!r}", "none", rule, step), heard.name)
        said = metadata_of(beside) if beside else self.metadata
        stream, places = ambisonic_channels(heard.name, heard.audio, said, channels)
        sound = stack.enter_context(SoundReader(beside or source, rate, stream))
        return sound, places[:CHANNELS], heard.start - film.start if beside else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted, is missing or odd; times on the file's clock."""
        notes = [*self.sphere.notes, *self._taken]
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
        if self._sound is None:
            yield from [None] * len(starts)
            return
        rules, (sound, places, lag) = self._pipe.processor, self._sound
        before = (rules.audio_duration - rules.video_duration) / 2
        firsts = [round((start - before + lag - sound.start) * rules.sampling_rate) for start in starts]
        length = round(rules.audio_duration * rules.sampling_rate)
        blocks = ambisonic_blocks(sound, places)
        for start, (window, present) in zip(starts, windows_at(blocks, firsts, CHANNELS, length)):
            if present < SOUND_COVERAGE * length:
                self._remarks.tell("no sound, taken for silence", start, start + self.every)
            yield window

"""One film on its way through the network that spatialises: its chunks, and what to tell of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice, tee
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ..errors import explain
from ..media import DecodeError, PictureReader, SoundReader
from ..models.spatial_audio_gen.media_spatial_audio_gen import AMBISONIC_CHANNELS, to_mono
from ..video.flow import flow_channels
from ._remarks import Remarks
from ._sphere import Sphere

if TYPE_CHECKING:
    from .spatialize import SpatializationPipeline


@dataclass(frozen=True)
class Chunk:
    """What goes into the network for one chunk.

    Attributes:
        sound: ``(window_samples,)``, W around the chunk.
        length: Samples of the chunk itself that the file has.
        pixels: ``(3, H, W)``, the frame at its start; None for a network that does not see it.
        flow: ``(3, H, W)``, motion to that frame; the same.
    """

    sound: torch.Tensor
    length: int
    pixels: torch.Tensor | None
    flow: torch.Tensor | None


@dataclass(frozen=True)
class Pass:
    """What goes into the network at once: chunks of one film, and what they are normalised together with.

    Attributes:
        chunks: At most as many as a pass takes.
        before: Chunks before them, which fill it.
        zeros: How many chunks of zeros fill it.
    """

    chunks: list[Chunk]
    before: list[Chunk]
    zeros: int


@dataclass(frozen=True)
class SpatializedFilm:
    """What is told of a film beside its sound; as in ``Spatialization``."""

    file: str
    start: float
    notes: tuple[str, ...]


class SpatializationStream:
    """Blocks ``(4, n)`` of one file, W, Y, Z and X, to be gone through once.

    Attributes:
        file: Name of the file.
        start: Time of the first sample in seconds on the file's clock.
        sphere: How the picture covers the sphere; None if there is none.
        count: Chunks, as the header has it.
        done: Chunks done so far.
        seconds_per_chunk: Length of one.
    """

    def __init__(
        self,
        pipe: "SpatializationPipeline",
        sound: SoundReader,
        picture: PictureReader | None,
        sphere: Sphere | None,
    ):
        self._pipe, self._sound, self._picture = pipe, sound, picture
        self.file, self.start, self.sphere = sound.name, sound.start, sphere
        self.count, self.done = max(1, -(-sound.length // pipe.processor.chunk_samples)), 0
        self.seconds_per_chunk = pipe.processor.chunk_duration
        self._samples = 0
        self._remarks = Remarks()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted, is missing or odd; times on the file's clock."""
        notes = list(self.sphere.notes if self.sphere else ())
        channels = self._sound.channels
        if channels in AMBISONIC_CHANNELS:
            notes.append(f"sound of {channels} channels taken for ambisonics, of which W, the first, was heard")
        elif channels > 1:
            notes.append(f"sound of {channels} channels mixed down to one")
        if self._picture and self._picture.held_from is not None:
            notes.append(f"the picture ends at {self._picture.held_from:.2f} s: its last frame was held")
        rate = self._pipe.processor.sampling_rate
        end, declared = self._samples / rate, self._sound.length / rate
        if self.done and declared - end > 1:
            notes.append(f"no sound decodes after {self.start + end:.2f} s, though the header says {declared:.2f} s")
        return (*notes, *self._remarks.lines)

    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from self._pipe.rule.join(self._predicted())

    def windows(self) -> Iterator[Pass]:
        """Read the chunks, as many at a time as a pass takes."""
        chunks, before, size = self._chunks(), [], self._pipe.batch_size
        together, released = self._pipe.normalizes_together, self._pipe.released
        while batch := list(islice(chunks, size)):
            missing = size - len(batch) if together else 0
            filling = before[len(before) - missing :] if missing and not released else []
            yield Pass(batch, filling, missing if released else 0)
            before = batch

    @property
    def facts(self) -> SpatializedFilm:
        """What is told of the film, once all of it is read."""
        return SpatializedFilm(self.file, self.start, self.notes)

    def _predicted(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Give W of each chunk and what is predicted of it."""
        for batch in self.windows():
            for piece in self._pipe.run(batch):
                self.done += 1
                self.count = max(self.count, self.done)
                yield piece
        self.count = self.done

    def _chunks(self) -> Iterator[Chunk]:
        times = (self.start + self.seconds_per_chunk * number for number in count())
        rate = self._pipe.processor.sampling_rate
        starts, shown = tee(times)
        for begin, (sound, length), (pixels, flow) in zip(starts, self._windows(), self._frames(shown)):
            if not self._pipe.released and not sound.any():
                self._remarks.tell("digital silence", begin, begin + length / rate)
            yield Chunk(sound, length, pixels, flow)

    def _windows(self) -> Iterator[tuple[torch.Tensor, int]]:
        """Cut windows of sound, and tell how many samples of each chunk there are; all else is zero."""
        rules = self._pipe.processor
        size, step, before = rules.window_samples, rules.chunk_samples, rules.context_samples // 2
        held, begin = torch.zeros(before), -before
        blocks = map(to_mono, self._sound)
        position = 0
        while True:
            while len(held) < position - begin + size - before and (block := next(blocks, None)) is not None:
                held = torch.cat([held, block])
                self._samples += len(block)
            if position >= self._samples and position:
                return
            if not self._samples:
                raise self._nothing()
            held, begin = held[position - before - begin :], position - before
            yield F.pad(held[:size], (0, max(0, size - len(held)))), min(step, self._samples - position)
            position += step

    def _frames(self, times: Iterator[float]) -> Iterator[tuple[torch.Tensor | None, torch.Tensor | None]]:
        """Give the frame at each of endless times, as the network wants it, and the motion to it."""
        rules, encoders = self._pipe.processor, self._pipe.model.config.encoders
        if self._picture is None:
            yield from ((None, None) for _ in times)
            return
        last = None
        for decoded in self._picture.at(times, self.sphere.decoded_size(*rules.image_size)):
            frame = self.sphere.unfolded(decoded, *rules.image_size)
            pixels = rules.pixels(frame[None])[0] if "video" in encoders else None
            flow = None
            if "flow" in encoders:
                pair = torch.stack([frame if last is None else last, frame]).permute(0, 3, 1, 2)
                flow = flow_channels(self._pipe.flow(pair)[1:], rules.inverted_flow)[0]
            last = frame
            yield pixels, flow

    def _nothing(self) -> DecodeError:
        step = "Fetch or export the file again."
        got = "no sound that decodes"
        return DecodeError(
            explain(f"spatialising {self.file!r}", got, "sound that decodes at least in part", step), self.file
        )

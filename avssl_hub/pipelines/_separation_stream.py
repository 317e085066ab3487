"""One file on its way through a separation network: reading its windows, and what to tell of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import torch

from ..errors import InvalidValueError, explain
from ..media import DecodeError, MediaReader, MissingStreamError
from ._remarks import Remarks

if TYPE_CHECKING:
    from .separate import SeparationPipeline

MASKS = ("left", "right")
GREY = 128 / 127.5 - 1  # the value 128, with which a hidden half is painted, as the network sees pixels
_LEAST_RMS = 1e-4


@dataclass(frozen=True)
class Window:
    """What goes into the network for one window; nothing if it is silent.

    Attributes:
        start: Its first sample; before the sound if negative.
        input_values: ``(channels, samples)``, the sound as the network hears it; None if it is silent.
        pixel_values: ``(T, 3, side, side)``, or None for a blind network.
        mixture: ``(samples,)``, the sound that is separated, as it is told to the user.
        gain: How much louder than ``mixture`` the network's mixture is.
    """

    start: int
    input_values: torch.Tensor | None = None
    pixel_values: torch.Tensor | None = None
    mixture: torch.Tensor | None = None
    gain: float = 1.0


@dataclass(frozen=True)
class SeparatedFilm:
    """What joining its windows takes of a film, and what is told of it; as in ``Separation``."""

    file: str
    start: float
    length: int
    notes: tuple[str, ...]


class SeparationStream:
    """Blocks ``(3, n)`` of one file, to be gone through once: the two tracks and the mixture.

    Attributes:
        file: Name of the file.
        start: Time of the first sample in seconds on the file's clock.
        length: Samples of all blocks together: as many as the file's sound has.
        has_picture: Whether the file has a picture, seen by the network or not.
        count: Windows to separate.
        done: Windows separated so far.
    """

    def __init__(self, pipe: "SeparationPipeline", reader: MediaReader, mask: str | None):
        self._pipe, self._reader, self._mask = pipe, reader, mask
        info, rate = reader.info, pipe.processor.sampling_rate
        self.file, self.has_picture = info.name, info.has_video
        if not info.has_audio:
            raise MissingStreamError(
                explain(f"separating {info.name!r}", "no sound track", "a file with sound"), info.name
            )
        if not pipe.blind and not info.has_video:
            expected = "a film, since the network tells by the picture which sound is on the screen"
            step = "Give a film, or use a blind model such as unet_pit.voxceleb."
            raise MissingStreamError(explain(f"separating {info.name!r}", "no picture", expected, step), info.name)
        self.start, self._end = reader.audio.start, reader.audio.end
        self.length = round((self._end - self.start) * rate)
        self._starts = pipe.rule.starts(self.length)
        self.count, self.done = len(self._starts), 0
        self._remarks = Remarks()
        if not self._starts:
            got, least = self._end - self.start, pipe.processor.video_duration
            step = "Use the default rule, which fills up short files."
            what = f"separating {info.name!r} by the released rule"
            raise InvalidValueError(explain(what, f"{got:.2f} s of sound", f"at least {least:.2f} s", step))
        if pipe.released:
            self._tell("no window of the released rule covers the end", pipe.rule.end(self.length), self.length)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is missing or odd so far, and where; on the file's clock."""
        return self._remarks.lines

    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from self._pipe.rule.join(self._separated(), self.length)

    def windows(self) -> Iterator[Window]:
        """Read the windows one after the other."""
        return map(self._read, self._starts)

    @property
    def facts(self) -> SeparatedFilm:
        """What joining the windows takes, once all are read."""
        return SeparatedFilm(self.file, self.start, self.length, self.notes)

    def _separated(self) -> Iterator[tuple[int, torch.Tensor]]:
        windows = self.windows()
        while batch := list(islice(windows, self._pipe.batch_size)):
            results = self._pipe.run(batch)
            self.done += len(batch)
            yield from results

    def _read(self, start: int) -> Window:
        """Read the window that begins at a sample, which may lie before the sound."""
        rules = self._pipe.processor
        time, end = self.start + start / rules.sampling_rate, start + rules.num_samples
        sound = rules.read_sound(self._reader, time)
        waveform, mixture, gain = self._scaled(sound.samples)
        if not mixture.any():
            self._tell("digital silence" if sound.present else "no sound decodes, silent", start, end)
            return Window(start)
        return Window(start, waveform, None if self._pipe.blind else self._pixels(time, start, end), mixture, gain)

    def _scaled(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Bring sound to the network's loudness: what it hears, the mixture and the factor between them."""
        rules = self._pipe.processor
        if self._pipe.released:
            waveform = rules.waveform(samples)
            return waveform, waveform[0], 1.0
        # One factor for all channels, so that a quiet one, which may hold but hiss, stays quiet in their mean.
        gain = 1.0
        if rules.rms is not None:
            gain = rules.rms / max(_LEAST_RMS, samples.square().mean().sqrt().item())
        return samples.expand(rules.num_channels, -1) * gain, samples.mean(0), gain

    def _pixels(self, time: float, start: int, end: int) -> torch.Tensor:
        rules = self._pipe.processor
        try:
            pixels = rules.pixels(rules.read_frames(self._reader, time))
        except DecodeError:
            self._tell("no picture decodes, taken for grey", start, end)
            return torch.full((rules.num_frames, 3, rules.crop_size, rules.crop_size), GREY)
        half = rules.crop_size // 2
        if self._mask == "left":
            pixels[..., :half] = GREY
        elif self._mask == "right":
            pixels[..., half:] = GREY
        return pixels

    def _tell(self, what: str, begin: int, end: int) -> None:
        """Note something of the samples from ``begin`` to ``end``."""
        rate = self._pipe.processor.sampling_rate
        begin, end = (self.start + min(max(position, 0), self.length) / rate for position in (begin, end))
        self._remarks.tell(what, begin, end)

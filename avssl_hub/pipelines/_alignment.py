"""What synchrony and localisation share: an alignment network, and how it looks at the windows of a file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from ..data.clips import Span
from ..errors import InvalidValueError, explain
from ..media import AudioClip, AudioStreamInfo, DecodeError, MediaReader, MissingStreamError
from ..models.multisensory import MultisensoryForAlignment, MultisensoryProcessor
from ._loading import find_processor, ready_model
from ._windows import SOUND_COVERAGE


@dataclass(frozen=True)
class Clip:
    """What goes into the network for one window of picture with K sounds.

    Attributes:
        start: Start of the window in seconds.
        end: Its end; the picture's end where that cuts it short.
        pixels: ``(T, 3, side, side)``; None where no picture decodes.
        waveforms: ``(heard, channels, samples)``, those of the sounds that the track covers.
        heard: bool ``(K,)``, which they are.
        padded: Whether the picture ended within the window.
        reason: What is missing or odd; empty where nothing is.
    """

    start: float
    end: float
    pixels: torch.Tensor | None
    waveforms: torch.Tensor
    heard: torch.Tensor
    padded: bool
    reason: str


@dataclass(frozen=True)
class Look:
    """What the network says of one window of picture with K sounds.

    Attributes:
        start: Start of the window in seconds.
        end: End of the window in seconds; the picture's end where that cuts it short.
        logits: float32 ``(K,)``, above 0 in synchrony; NaN for sounds that the track hardly covers.
        maps: float32 ``(K, T, H, W)``, activation maps, NaN likewise; None if all are.
        padded: Whether the picture ended within the window: its last frame is held, and silence follows the sound.
        reason: What is missing, or odd about the middle sound, which is the window's own; empty where nothing is.
    """

    start: float
    end: float
    logits: torch.Tensor
    maps: torch.Tensor | None
    padded: bool
    reason: str


class AlignmentPipeline:
    """A network that tells synchrony, with its processor.

    Args:
        model: A ``MultisensoryForAlignment``, or a name that :func:`avssl_hub.load` knows; one loaded by name is
            brought into its fastest form for a CPU.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.

    Raises:
        InvalidValueError: A model object came without its processor, or the model does not tell synchrony.
        UnknownNameError: No model has that name.
        WeightsNotFoundError: The model is known, but its weights are not here.
    """

    def __init__(
        self,
        model: MultisensoryForAlignment | str | Path = "multisensory_tiny.avworld",
        processor: MultisensoryProcessor | None = None,
        device: str | torch.device = "cpu",
    ):
        self.processor = find_processor(model, processor)
        _check_kind("processor of the model", self.processor, MultisensoryProcessor)
        self.device = torch.device(device)
        self.model = ready_model(model, self.device)
        _check_kind("model", self.model, MultisensoryForAlignment)

    def _picture(self, reader: MediaReader) -> Span:
        """Return when the picture lasts.

        Raises:
            MissingStreamError: The file lacks picture or sound.
        """
        for kind, stream in (("picture", reader.video), ("sound", reader.audio)):
            if stream is None:
                got = f"a file without {kind}"
                step = "Choose a file that has both."
                name = reader.info.name
                raise MissingStreamError(explain(f"comparing sound and picture of {name!r}", got, "both", step), name)
        return Span(reader.video.start, reader.video.end)

    @torch.inference_mode()
    def run(self, clips: Sequence[Clip]) -> list[Look]:
        """Show the network windows, of one film or several; in one pass those that have as many sounds."""
        looks = []
        for shown, group in groupby(clips, lambda clip: len(clip.waveforms)):
            group = list(group)
            if not shown:
                looks += [self._answer(clip, None, None) for clip in group]
                continue
            pixels = torch.stack([clip.pixels for clip in group]).to(self.device)
            waveforms = torch.stack([clip.waveforms for clip in group]).to(self.device)
            output = self.model(pixels, waveforms)
            answers = zip(group, output.logits.float().cpu(), output.activation_maps.float().cpu())
            looks += [self._answer(*answer) for answer in answers]
        return looks

    def _answer(self, clip: Clip, logits: torch.Tensor | None, maps: torch.Tensor | None) -> Look:
        """Lay what the network says of the sounds that were heard among those that were not."""
        all_logits, all_maps = torch.full((len(clip.heard),), torch.nan), None
        if maps is not None:
            all_maps = torch.full((len(clip.heard), *maps.shape[1:]), torch.nan)
            all_logits[clip.heard], all_maps[clip.heard] = logits, maps
        return Look(clip.start, clip.end, all_logits, all_maps, clip.padded, clip.reason)

    def _looks(
        self,
        film: "AlignmentStream",
        progress: Callable[[int, int], object] | None,
        check: Callable[[], None],
    ) -> list[Look]:
        """Show the network a film's windows one by one, and tell how far it is."""
        looks, windows, count = [], film.windows(), len(film.starts)
        for number in range(count):
            if progress:
                progress(number, count)
            looks += self.run([next(windows)])
            check()
        if progress:
            progress(count, count)
        return looks

    def _clip(self, reader: MediaReader, start: float, offsets: Sequence[float] = (0.0,)) -> Clip:
        """Read the picture from ``start``, and the sound at each of ``offsets`` seconds from there."""
        rules = self.processor
        end = min(start + rules.video_duration, reader.video.end)
        pixels, padded = self._pixels(reader, start)
        if pixels is None:
            nothing = torch.zeros(len(offsets), dtype=torch.bool)
            return Clip(start, end, None, torch.empty(0), nothing, padded, "no picture decodes here")
        sounds = [rules.read_sound(reader, start + offset) for offset in offsets]
        covered = torch.tensor([self._covered(sound, end - start, reader.audio) for sound in sounds])
        heard = covered >= SOUND_COVERAGE
        waveforms = [rules.waveform(sound.samples) for sound, has in zip(sounds, heard) if has]
        stacked = torch.stack(waveforms) if waveforms else torch.empty(0)
        return Clip(start, end, pixels, stacked, heard, padded, _reason(sounds, covered.tolist()))

    def _pixels(self, reader: MediaReader, start: float) -> tuple[torch.Tensor | None, bool]:
        """Read a window's picture, and tell whether it had to be padded; None where none decodes."""
        # A damaged place is told; the other windows may be whole.
        with suppress(DecodeError):
            frames = self.processor.read_frames(reader, start)
            return self.processor.pixels(frames), len(frames) < self.processor.num_frames
        return None, False

    def _covered(self, sound: AudioClip, inside: float, track: AudioStreamInfo) -> float:
        """Return the share of a window's seconds inside the picture, its first ones, that has sound."""
        declared = min(sound.start + inside, track.end) - max(sound.start, track.start)
        # A file that was cut short holds less than its header says.
        decoded = sound.present * self.processor.video_duration
        return min(1.0, max(0.0, declared / inside), decoded / inside)


class AlignmentStream:
    """The windows of a file that is open.

    Attributes:
        starts: Start of each in seconds.
        facts: What joining them takes, as plain data.
    """

    def __init__(self, read: Callable[[float], Clip], starts: Sequence[float], facts: Any):
        self._read, self.starts, self.facts = read, starts, facts

    def windows(self) -> Iterator[Clip]:
        """Read them one after the other."""
        return map(self._read, self.starts)


def _check_kind(what: str, got: object, kind: type) -> None:
    if not isinstance(got, kind):
        step = "`avssl ls --task audio-visual-synchronization` lists models that have it."
        raise InvalidValueError(
            explain(f"{what} to compare sound and picture with", type(got).__name__, kind.__name__, step)
        )


def _reason(sounds: Sequence[AudioClip], covered: Sequence[float]) -> str:
    """Say what is odd about a window's own sound, the middle one of those tried."""
    own = len(sounds) // 2
    if covered[own] < SOUND_COVERAGE:
        return f"the sound track covers {covered[own]:.0%} of the window"
    return "" if sounds[own].samples.any() else "sound is digital silence"

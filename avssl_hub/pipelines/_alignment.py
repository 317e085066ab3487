"""What synchrony and localisation share: an alignment network, and how it looks at a window of a file."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from ..data.clips import Span
from ..errors import InvalidValueError, explain
from ..media import AudioClip, AudioStreamInfo, DecodeError, MediaReader, MissingStreamError
from ..models.multisensory import MultisensoryForAlignment, MultisensoryProcessor
from ._loading import find_processor, ready_model
from ._windows import SOUND_COVERAGE


@dataclass(frozen=True)
class Look:
    """What the network says of one window of picture with K sounds.

    Attributes:
        end: End of the window in seconds; the picture's end where that cuts it short.
        logits: float32 ``(K,)``, above 0 in synchrony; NaN for sounds that the track hardly covers.
        maps: float32 ``(K, T, H, W)``, activation maps, NaN likewise; None if all are.
        padded: Whether the picture ended within the window: its last frame is held, and silence follows the sound.
        reason: What is missing, or odd about the middle sound, which is the window's own; empty where nothing is.
    """

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

    def _look(self, reader: MediaReader, start: float, offsets: Sequence[float] = (0.0,)) -> Look:
        """Show the network the picture from ``start`` with the sound at each of ``offsets`` seconds from there."""
        rules, stream = self.processor, reader.video
        end = min(start + rules.video_duration, stream.end)
        logits = torch.full((len(offsets),), torch.nan)
        pixels, padded = self._pixels(reader, start)
        if pixels is None:
            return Look(end, logits, None, padded, "no picture decodes here")
        sounds = [rules.read_sound(reader, start + offset) for offset in offsets]
        covered = torch.tensor([self._covered(sound, end - start, reader.audio) for sound in sounds])
        heard = covered >= SOUND_COVERAGE
        reason = _reason(sounds, covered.tolist())
        if not heard.any():
            return Look(end, logits, None, padded, reason)
        waveforms = [rules.waveform(sound.samples) for sound, has in zip(sounds, heard) if has]
        heard_logits, heard_maps = self._run(pixels, torch.stack(waveforms))
        maps = torch.full((len(offsets), *heard_maps.shape[1:]), torch.nan)
        logits[heard], maps[heard] = heard_logits, heard_maps
        return Look(end, logits, maps, padded, reason)

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

    @torch.inference_mode()
    def _run(self, pixels: torch.Tensor, waveforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.model(pixels[None].to(self.device), waveforms[None].to(self.device))
        return output.logits[0].float().cpu(), output.activation_maps[0].float().cpu()


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

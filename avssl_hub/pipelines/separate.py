"""One file in, the sound of what is on the screen and the rest out; or two voices, without a picture."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..errors import InvalidValueError, explain, unknown_name
from ..media import MediaReader, MediaSource
from ..models.multisensory import MultisensoryForSourceSeparation, SpectrogramUNetForSeparation
from ._join import CrossFade, FirstWindow
from ._loading import find_processor, ready_model
from ._separation_stream import MASKS, SeparatedFilm, SeparationStream, Window

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedConfig, PreTrainedModel

WINDOWS = ("cross_fade", "released")
ON_OFF = ("on_screen", "off_screen")
BLIND = ("track_1", "track_2")


@dataclass(frozen=True)
class Separation:
    """The two parts of one file's sound.

    Attributes:
        file: Name of the file.
        names: ``("on_screen", "off_screen")``, or ``("track_1", "track_2")`` from a blind model.
        tracks: float32 ``(2, n)``, the parts by ``names``, in mono.
        mixture: float32 ``(n,)``, what was separated.
        sampling_rate: Samples per second of all three.
        start: Time of the first sample in seconds on the file's clock.
        notes: What is missing or odd, and where; empty if nothing is.
    """

    file: str
    names: tuple[str, str]
    tracks: torch.Tensor
    mixture: torch.Tensor
    sampling_rate: int
    start: float
    notes: tuple[str, ...]

    @property
    def on_screen(self) -> torch.Tensor:
        """``(n,)``, the sound of what is on the screen."""
        return self._part(0)

    @property
    def off_screen(self) -> torch.Tensor:
        """``(n,)``, all other sound."""
        return self._part(1)

    @property
    def times(self) -> torch.Tensor:
        """float64 ``(n,)``, the time of each sample in seconds on the file's clock."""
        return self.start + torch.arange(len(self.mixture), dtype=torch.float64) / self.sampling_rate

    def _part(self, index: int) -> torch.Tensor:
        if self.names != ON_OFF:
            step = "Use .tracks, or separate with a model that sees."
            raise InvalidValueError(explain(ON_OFF[index], "tracks of a blind model", "those of one that sees", step))
        return self.tracks[index]


class SeparationPipeline:
    """Split the sound of a media file of any length into what belongs to the picture and what does not.

    Windows of the file go through the network one after the other. By default (``"cross_fade"``) they overlap by
    half and fade into each other, the tracks are as long as the file's sound, and both together as loud: windows are
    scaled to the loudness the network knows, by one factor for both channels, and back again; the spectrogram is that
    of the channels' mean. ``"released"`` does as the authors' tool: each sample is that of the first window that
    covers it, the last bit of the sound is lost to silence, channels are scaled one by one and not back, only the
    first is separated, and all comes out by the inverse transform's gain of 1.5 too loud, cut at ±1.

    Args:
        model: A ``MultisensoryForSourceSeparation``, or a ``SpectrogramUNetForSeparation``, which is blind: it needs
            no picture and gives two tracks without saying which is on the screen; or a name that
            :func:`avssl_hub.load` knows. A blind model's tracks keep their order from one window to the next by
            their likeness where the windows overlap; across a pause in both they may change places.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.
        batch_size: Windows a forward pass.
        windows: ``"cross_fade"`` or ``"released"``.
        duration_multiple: Windows of so many times the paper's 2.1 s, in place of the processor's clip length; the
            released tool knows the powers of two.

    Raises:
        InvalidValueError: A model object came without its processor, the model does not separate sound, or a number
            is not positive.
        UnknownNameError: No model or rule has that name.
        WeightsNotFoundError: The model is known, but its weights are not here.

    Example:
        >>> separate = SeparationPipeline("multisensory_separation.voxceleb")  # doctest: +SKIP
        >>> sound = separate("interview.mp4", mask="left")
        >>> sound.on_screen, sound.off_screen, sound.sampling_rate
    """

    def __init__(
        self,
        model: "PreTrainedModel | str | Path",
        processor: "FeatureExtractionMixin | None" = None,
        device: str | torch.device = "cpu",
        batch_size: int = 1,
        windows: str = "cross_fade",
        duration_multiple: int | None = None,
    ):
        for name, value in (("batch_size", batch_size), ("duration_multiple", duration_multiple)):
            if value is not None and value < 1:
                raise InvalidValueError(explain(name, value, "a positive integer"))
        if windows not in WINDOWS:
            raise unknown_name("rule for windows", windows, WINDOWS)
        self.device = torch.device(device)
        self.batch_size = batch_size
        self.released = windows == "released"
        processor = find_processor(model, processor)
        self.model = _checked(ready_model(model, self.device))
        self.blind = isinstance(self.model, SpectrogramUNetForSeparation)
        if duration_multiple is not None:
            processor, clip = _lengthened(processor, self.model.config, duration_multiple)
        else:
            # The released clip is the longest, in whole milliseconds, of so many frames.
            clip = floor((processor.num_frames + 1) / processor.fps * 1000) / 1000
        self.processor = processor
        self.size = self._separated_samples()
        if self.released:
            rate = processor.sampling_rate
            self.rule = FirstWindow(self.size, processor.num_samples, clip, processor.fps, rate)
        else:
            edge = self.model.config.frame_length - self.model.config.hop_length
            self.rule = CrossFade(self.size, edge, ordered=not self.blind)

    def __call__(
        self,
        source: MediaSource,
        mask: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Separation:
        """Separate the sound of one file; all of it is held in memory.

        Sound of any rate and any number of channels is taken. Digital silence stays silence. Where no picture
        decodes, the network sees a grey one; that, and places without sound, are told in ``notes``.

        Args:
            source: Path, bytes, or a seekable binary file object, with sound and, unless the model is blind, picture.
            mask: ``"left"`` or ``"right"``: paint this half of the picture grey, so that what is on the other half
                counts as on the screen.
            progress: Called with the windows done and of all.

        Returns:
            The tracks.

        Raises:
            InvalidValueError: ``mask`` is unknown or given to a blind model, or the sound is too short for the
                released rule.
            MissingStreamError: There is no sound, or no picture for a model that sees.
            MediaError: The file cannot be opened, or its sound cannot be read.
        """
        with self.open(source, mask) as stream:
            blocks = []
            for block in stream:
                blocks.append(block)
                if progress:
                    progress(stream.done, stream.count)
        return self._separation(stream.facts, blocks)

    @property
    def names(self) -> tuple[str, str]:
        """What the two tracks are."""
        return BLIND if self.blind else ON_OFF

    @contextmanager
    def open(self, source: MediaSource, mask: str | None = None) -> Iterator[SeparationStream]:
        """Give a stream that separates one file block by block in bounded memory; see ``__call__``."""
        if mask is not None and (self.blind or mask not in MASKS):
            expected = "none, for a blind model has no picture" if self.blind else f"one of {', '.join(MASKS)}"
            raise InvalidValueError(explain("mask", repr(mask), expected))
        with MediaReader(source) as reader:
            yield SeparationStream(self, reader, mask)

    @torch.inference_mode()
    def run(self, windows: Sequence[Window]) -> list[tuple[int, torch.Tensor]]:
        """Separate windows in one pass, of one film or several.

        Returns:
            Of each where it starts, and ``(3, self.size)``: two tracks and the mixture, on the CPU.
        """
        heard = [window for window in windows if window.input_values is not None]
        results = iter(self._separated(heard) if heard else ())
        silence = torch.zeros(3, self.size)
        return [(window.start, silence if window.input_values is None else next(results)) for window in windows]

    def join(self, film: SeparatedFilm, windows: Sequence[tuple[int, torch.Tensor]]) -> Separation:
        """Make one sound of what ``run`` gives of all windows of one film."""
        return self._separation(film, list(self.rule.join(windows, film.length)))

    def _separated(self, windows: Sequence[Window]) -> torch.Tensor:
        inputs = {"input_values": torch.stack([window.input_values for window in windows])}
        if not self.blind:
            inputs["pixel_values_videos"] = torch.stack([window.pixel_values for window in windows])
        output = self.model(
            **{name: value.to(self.device) for name, value in inputs.items()},
            mixture_channel="first" if self.released else "mean",
            normalize_gain=not self.released,
        )
        mixtures = torch.stack([window.mixture[: self.size] for window in windows])
        gains = torch.tensor([window.gain for window in windows])[:, None, None]
        return torch.cat([output.waveforms.float().cpu() / gains, mixtures[:, None]], 1)

    def _separation(self, film: SeparatedFilm, blocks: Sequence[torch.Tensor]) -> Separation:
        tracks = torch.cat(blocks, 1)
        rate = self.processor.sampling_rate
        return Separation(film.file, self.names, tracks[:2], tracks[2], rate, film.start, film.notes)

    def _separated_samples(self) -> int:
        """Samples that come out of a window, from a whole number of the u-net's steps."""
        config, samples = self.model.config, self.processor.num_samples
        steps = config.spectrogram_frames_multiple
        frames = (samples - config.frame_length) // config.hop_length + 1
        if frames < steps:
            least = (config.frame_length + (steps - 1) * config.hop_length) / self.processor.sampling_rate
            step = "Use MultisensoryProcessor.separation(), or give duration_multiple."
            got = f"{self.processor.video_duration:.2f} s ({frames} spectrogram frames)"
            raise InvalidValueError(
                explain("clip length of the processor", got, f"at least {least:.2f} s ({steps} frames)", step)
            )
        return config.frame_length + (frames // steps * steps - 1) * config.hop_length


def _lengthened(
    processor: "FeatureExtractionMixin", config: "PreTrainedConfig", multiple: int
) -> tuple["FeatureExtractionMixin", float]:
    """Make a processor of longer clips, and tell their nominal length in seconds by the released tool's formula."""
    steps, rate = config.spectrogram_frames_multiple, processor.sampling_rate
    clip = (config.frame_length + config.hop_length * (steps + 0.5) * multiple) / rate
    needed = config.frame_length + config.hop_length * (steps * multiple - 1)
    longer = copy(processor)
    longer.num_frames = max(int(clip * processor.fps), ceil(needed / rate * processor.fps))
    return longer, clip


def _checked(model: "PreTrainedModel") -> "PreTrainedModel":
    if isinstance(model, (MultisensoryForSourceSeparation, SpectrogramUNetForSeparation)):
        return model
    expected = "MultisensoryForSourceSeparation or SpectrogramUNetForSeparation"
    step = "`avssl ls --task audio-visual-separation` lists such; blind ones, `--task audio-source-separation`."
    raise InvalidValueError(explain("model to separate sound with", type(model).__name__, expected, step))

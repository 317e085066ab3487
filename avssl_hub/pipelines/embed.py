"""One file in, one row of embeddings a window out: the same path for a demo clip, a film and a sound recording."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import torch
from torch.nn import functional as F

from .. import zoo
from .._fingerprints import tensors_sha256
from ..errors import InvalidValueError, explain
from ..hub import sha256_of
from ..media import DecodeError, MediaReader
from ._loading import find_processor, ready_model
from ._windows import check_sampling, consecutive, early_end, judge, spread

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel


@dataclass(frozen=True)
class ClipEmbeddings:
    """Embeddings of N windows of one file.

    Attributes:
        file: Name of the file.
        start: float64 ``(N,)``, start of each window in seconds on the file's clock.
        end: float64 ``(N,)``, end of each window; the file's end where that cuts it short.
        has_audio: bool ``(N,)``, whether a sound track covers at least half of the window.
        video_embeds: float32 ``(N, D)``, NaN rows where no picture decodes.
        audio_embeds: float32 ``(N, D)``, NaN rows where ``has_audio`` is False.
        reason: What is missing or odd about each window; empty where nothing is.
    """

    file: str
    start: torch.Tensor
    end: torch.Tensor
    has_audio: torch.Tensor
    video_embeds: torch.Tensor
    audio_embeds: torch.Tensor
    reason: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.reason)


class EmbeddingPipeline:
    """Embed picture and sound of media files, window by window.

    Args:
        model: A model whose output has ``video_embeds`` and ``audio_embeds``, or a name that
            :func:`avssl_hub.load` knows; one loaded by name is brought into its fastest form for a CPU.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.
        batch_size: Windows a forward pass.
        normalize: Whether embeddings get length 1, so that a dot product is a cosine.

    Raises:
        InvalidValueError: A model object came without its processor, the model does not embed picture and sound each
            by itself, or ``batch_size`` is not positive.
        UnknownNameError: No model has that name.
        WeightsNotFoundError: The model is known, but its weights are not here.

    Example:
        >>> embed = EmbeddingPipeline("avid_tiny.avworld")  # doctest: +SKIP
        >>> clips = embed("my_video.mp4", every=2.0)
        >>> clips.video_embeds @ clips.audio_embeds.T
    """

    def __init__(
        self,
        model: "PreTrainedModel | str | Path",
        processor: "FeatureExtractionMixin | None" = None,
        device: str | torch.device = "cpu",
        batch_size: int = 8,
        normalize: bool = True,
    ):
        if batch_size < 1:
            raise InvalidValueError(explain("batch_size", batch_size, "a positive integer"))
        self._name = model if isinstance(model, (str, Path)) else None
        self.processor = find_processor(model, processor)
        if not hasattr(self.processor, "audio_duration"):
            got, step = type(self.processor).__name__, "`avssl ls --task audio-visual-feature-extraction` lists such."
            expected = "that of a model that embeds picture and sound each by itself"
            raise InvalidValueError(explain("processor of the model to embed with", got, expected, step))
        self.device = torch.device(device)
        self.batch_size = batch_size
        self.normalize = normalize
        self.model = ready_model(model, self.device)

    def fingerprint(self) -> dict[str, Any]:
        """Tell what decides the embeddings: the model's name, its weights' sha256, processor and normalisation.

        The hash is that of the weights' file, as on the model's card, or one over all tensors of a model that
        was passed as an object.
        """
        if self._name is None:
            name, weights = type(self.model).__name__, tensors_sha256(self.model)
        else:
            files = sorted(zoo.resolve(self._name).glob("model*.safetensors"))
            name, weights = str(self._name), " ".join(map(sha256_of, files))
        settings = hashlib.sha256(self.processor.to_json_string().encode()).hexdigest()
        return {"model": name, "weights_sha256": weights, "processor_sha256": settings, "normalize": self.normalize}

    def __call__(
        self, source: str | PathLike | bytes | BinaryIO, every: float | None = None, clips: int | None = None
    ) -> ClipEmbeddings:
        """Embed one file.

        The windows are as long as the processor's ``audio_duration``, with the picture clip in their middle.
        By default they follow each other through the whole file, which is read once, in bounded memory. A last
        window that the file's end cuts short is kept if it lacks no more than half of itself (or of ``every``).
        Sound counts when the track covers at least half of the window; digital silence is sound, and noted.

        Args:
            source: Path, bytes, or a seekable binary file object; picture, sound or both.
            every: Seconds from one window's start to the next, in place of the window's length.
            clips: Look only at this many windows, spaced evenly from the first to the last possible one.

        Returns:
            One row a window.

        Raises:
            InvalidValueError: ``every`` or ``clips`` is not positive, or both are given.
            MediaError: The file cannot be opened, or nothing in it decodes.
        """
        check_sampling(every, clips)
        rules = self.processor
        hop = rules.audio_duration if every is None else every
        towers = {kind: _Batches(self._embed(kind), self.batch_size) for kind in ("video", "audio")}
        spans, heard, reasons = [], [], []
        with MediaReader(source) as reader:
            info = reader.info
            windows = consecutive(reader, rules, hop) if clips is None else spread(reader, rules, clips)
            for row, window in enumerate(windows):
                has_audio, reason = judge(window, info, rules.audio_duration)
                if window.video is not None:
                    towers["video"].add(row, rules(videos=[window.video.frames]))
                if has_audio:
                    sound = window.audio
                    towers["audio"].add(row, rules(audio=[sound.samples[0]], sampling_rate=sound.sampling_rate))
                spans.append((window.start, window.end))
                heard.append(has_audio)
                reasons.append(reason)
        embeds = {kind: tower.finish() for kind, tower in towers.items()}
        width = max(rows.shape[1] for rows in embeds.values())
        if not width:
            raise DecodeError(
                explain(f"embedding {info.name!r}", reasons[0], "picture or sound that decodes"), info.name
            )
        if clips is None and (note := early_end(spans[-1][0], info, rules.audio_duration + hop)):
            reasons[-1] = "; ".join(filter(None, [reasons[-1], note]))
        times = torch.tensor(spans, dtype=torch.float64)
        return ClipEmbeddings(
            info.name,
            times[:, 0],
            times[:, 1],
            torch.tensor(heard),
            towers["video"].scatter(embeds["video"], len(spans), width),
            towers["audio"].scatter(embeds["audio"], len(spans), width),
            tuple(reasons),
        )

    def _embed(self, kind: str) -> Callable[[dict[str, torch.Tensor]], torch.Tensor]:
        @torch.inference_mode()
        def embed(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
            output = self.model(**{name: value.to(self.device) for name, value in inputs.items()})
            embeds = getattr(output, f"{kind}_embeds", None)
            if embeds is None:
                got = f"{type(self.model).__name__}, whose output has no {kind}_embeds"
                raise InvalidValueError(explain("model", got, "a model that embeds picture and sound, as AvidModel"))
            embeds = embeds.float().cpu()
            return F.normalize(embeds, dim=1) if self.normalize else embeds

        return embed


class _Batches:
    """Collects one modality's inputs and embeds them batch by batch; remembers which row each belongs to."""

    def __init__(self, embed: Callable[[dict[str, torch.Tensor]], torch.Tensor], size: int):
        self._embed, self._size = embed, size
        self._rows: list[int] = []
        self._waiting: list[dict[str, torch.Tensor]] = []
        self._done: list[torch.Tensor] = []

    def add(self, row: int, inputs: dict[str, torch.Tensor]) -> None:
        self._rows.append(row)
        self._waiting.append(inputs)
        if len(self._waiting) == self._size:
            self._run()

    def _run(self) -> None:
        names = self._waiting[0].keys()
        self._done.append(self._embed({name: torch.cat([item[name] for item in self._waiting]) for name in names}))
        self._waiting = []

    def finish(self) -> torch.Tensor:
        """Return the embeddings of all that was added, ``(number added, D)``."""
        if self._waiting:
            self._run()
        return torch.cat(self._done) if self._done else torch.empty(0, 0)

    def scatter(self, embeds: torch.Tensor, count: int, width: int) -> torch.Tensor:
        """Lay embeddings into ``(count, width)`` at their rows, NaN elsewhere."""
        table = torch.full((count, width), torch.nan)
        if self._rows:
            table[self._rows] = embeds
        return table

"""One file in, one row of embeddings a window out: the same path for a demo clip, a film and a sound recording."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from .. import zoo
from .._fingerprints import tensors_sha256
from ..errors import InvalidValueError, explain
from ..hub import sha256_of
from ..media import DecodeError, MediaReader, MediaSource
from ..models.avsa import AvsaModel, AvsaProcessor
from ._embedding_stream import EmbeddedFilm, EmbeddingStream, Window, WindowEmbeds
from ._film import Film, FlatFilm
from ._film_360 import files_of, open_film_360
from ._loading import find_processor, ready_model
from ._windows import check_sampling
from .clip_embeddings import ClipEmbeddings, ViewEmbeddings
from .look_360 import Look360

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel


class EmbeddingPipeline:
    """Embed picture and sound of media files, window by window.

    A model that compares views (AVSA) takes films of 360 degrees with first-order ambisonics, and gives the features
    of each view's picture and sound before any head: what the probes of its paper are trained on. These two lie in
    spaces of their own, so that no cosine between them means anything.

    Args:
        model: A model whose output has ``video_embeds`` and ``audio_embeds``, or a name that
            :func:`avssl_hub.load` knows; one loaded by name is brought into its fastest form for a CPU.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.
        batch_size: Windows a forward pass.
        normalize: Whether embeddings get length 1, so that a dot product is a cosine.
        look: Where one looks in films of 360 degrees; for models that compare views, around the horizon by default.

    Raises:
        InvalidValueError: A model object came without its processor, the model does not embed picture and sound each
            by itself, ``batch_size`` is not positive, or there is a ``look`` for a model without views.
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
        look: Look360 | None = None,
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
        self.look = self._checked_look(look)
        if self.look:
            self.processor = self.look.applied(self.processor)
        self.model = ready_model(model, self.device)
        if self.look and not isinstance(self.model, AvsaModel):
            expected = "AvsaModel, or AvsaForPreTraining"
            raise InvalidValueError(explain("model to embed with", type(self.model).__name__, expected))

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
        found = {"model": name, "weights_sha256": weights, "processor_sha256": settings, "normalize": self.normalize}
        return {**found, "views": self.look.told()} if self.look else found

    def files_of(self, file: Path) -> list[Path]:
        """Return the files that decide the embeddings of one: of a film of 360 degrees also its sound beside it."""
        return files_of(file) if self.look else [file]

    def __call__(
        self,
        source: MediaSource,
        every: float | None = None,
        clips: int | None = None,
        progress: Callable[[int, int], object] | None = None,
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
            progress: Called with the seconds of the file gone through and of all.

        Returns:
            One row a window.

        Raises:
            InvalidValueError: ``every`` or ``clips`` is not positive, or both are given.
            MediaError: The file cannot be opened, nothing in it decodes, or it is not of 360 degrees where views are
                compared.
        """
        with self.open(source, every, clips) as film:
            windows, embeds = film.windows(progress), []
            while batch := list(islice(windows, self.batch_size)):
                embeds += self.run(batch)
        return self.join(film.facts, embeds)

    @contextmanager
    def open(
        self, source: MediaSource, every: float | None = None, clips: int | None = None
    ) -> Iterator[EmbeddingStream]:
        """Give the windows of one file, to be run and joined; see ``__call__``."""
        check_sampling(every, clips)
        with self._opened(source) as film:
            yield EmbeddingStream(film, self.processor.audio_duration, every, clips)

    def run(self, windows: Sequence[Window]) -> list[WindowEmbeds]:
        """Embed windows, of one file or several, in one pass for their pictures and one for their sounds."""
        embeds = {}
        for kind in ("video", "audio"):
            inputs = [getattr(window, kind) for window in windows]
            rows = iter(self._embed(kind, [given for given in inputs if given is not None]))
            embeds[kind] = [None if given is None else next(rows) for given in inputs]
        rows = zip(windows, embeds["video"], embeds["audio"])
        return [WindowEmbeds(window.start, window.end, *both, window.reason) for window, *both in rows]

    def join(self, film: EmbeddedFilm, embeds: Sequence[WindowEmbeds]) -> ClipEmbeddings:
        """Put together what ``run`` gives of the windows of one file.

        Raises:
            DecodeError: Nothing in it decodes.
        """
        reasons = [window.reason for window in embeds]
        found = [row for window in embeds for row in (window.video, window.audio) if row is not None]
        if not found:
            raise DecodeError(
                explain(f"embedding {film.file!r}", reasons[0], "picture or sound that decodes"), film.file
            )
        reasons[-1] = "; ".join(filter(None, [reasons[-1], film.early_end]))
        nothing = torch.full_like(found[0], torch.nan)
        placed = [
            torch.stack([nothing if row is None else row for row in rows])
            for rows in zip(*((window.video, window.audio) for window in embeds))
        ]
        views = None
        if self.look:
            looks = self.look.views(self.processor)
            views = ViewEmbeddings(looks.azimuth, looks.elevation, *map(self._scaled, placed))
            placed = [rows.amax(1) for rows in placed]
        return ClipEmbeddings(
            film.file,
            torch.tensor([window.start for window in embeds], dtype=torch.float64),
            torch.tensor([window.end for window in embeds], dtype=torch.float64),
            torch.tensor([window.audio is not None for window in embeds]),
            *map(self._scaled, placed),
            tuple(reasons),
            views,
        )

    def _checked_look(self, look: Look360 | None) -> Look360 | None:
        if isinstance(self.processor, AvsaProcessor):
            return look or Look360()
        if look is not None:
            got, expected = f"one for {type(self.processor).__name__}", "one for a model of such, as AvsaModel"
            step = "Leave it out (--views, --look and what belongs to them)."
            raise InvalidValueError(explain("look at films of 360°", got, expected, step))
        return None

    @contextmanager
    def _opened(self, source: MediaSource) -> Iterator[Film]:
        if self.look:
            with open_film_360(source, self.processor, self.look) as film:
                yield film
        else:
            with MediaReader(source) as reader:
                yield FlatFilm(reader, self.processor)

    def _scaled(self, embeds: torch.Tensor) -> torch.Tensor:
        return F.normalize(embeds, dim=-1) if self.normalize else embeds

    @torch.inference_mode()
    def _embed(self, kind: str, items: Sequence[dict[str, torch.Tensor]]) -> torch.Tensor:
        """Embed the pictures, or the sounds, of windows."""
        if not items:
            return torch.empty(0)
        inputs = {name: torch.cat([item[name] for item in items]).to(self.device) for name in items[0]}
        return (self._features(kind, inputs) if self.look else self._output(kind, inputs)).float().cpu()

    def _features(self, kind: str, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        tower = self.model.see if kind == "video" else self.model.hear
        return tower(**inputs)[1]

    def _output(self, kind: str, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        embeds = getattr(self.model(**inputs), f"{kind}_embeds", None)
        if embeds is None:
            got = f"{type(self.model).__name__}, whose output has no {kind}_embeds"
            raise InvalidValueError(explain("model", got, "a model that embeds picture and sound, as AvidModel"))
        return embeds

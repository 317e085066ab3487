"""The tasks of this package as pipelines of transformers, each made of the pipeline of the same task."""

from itertools import chain
from typing import Any

from ...errors import InvalidValueError, explain
from ..embed import EmbeddingPipeline
from ..localize import LocalizationPipeline
from ..separate import SeparationPipeline
from ..spatialize import Spatialization, SpatializationPipeline
from ..synchronize import SynchronizationPipeline
from ._film_pipeline import FilmPipeline


class AudioVisualFeatureExtraction(FilmPipeline):
    """``pipeline("audio-visual-feature-extraction")``: a :class:`~avssl_hub.pipelines.clip_embeddings.ClipEmbeddings`.

    Calls take ``every`` and ``clips``, making it ``normalize`` and ``look``; see
    :class:`~avssl_hub.pipelines.embed.EmbeddingPipeline`.
    """

    own = EmbeddingPipeline


class SoundLocalization(FilmPipeline):
    """``pipeline("sound-localization")``: a :class:`~avssl_hub.pipelines.localize.Localization` a film.

    Calls take ``every`` and ``released``; see :class:`~avssl_hub.pipelines.localize.LocalizationPipeline`.
    """

    own = LocalizationPipeline


class AudioVisualSynchronization(FilmPipeline):
    """``pipeline("audio-visual-synchronization")``: a :class:`~avssl_hub.pipelines.synchronize.Synchrony` a film.

    Calls take ``every``, ``max_offset`` and ``step``; see
    :class:`~avssl_hub.pipelines.synchronize.SynchronizationPipeline`.
    """

    own = SynchronizationPipeline


class AudioVisualSeparation(FilmPipeline):
    """``pipeline("audio-visual-separation")``: a :class:`~avssl_hub.pipelines.separate.Separation` a film.

    Calls take ``mask``, making it ``windows`` and ``duration_multiple``; see
    :class:`~avssl_hub.pipelines.separate.SeparationPipeline`.
    """

    own = SeparationPipeline


class MonoToAmbisonics(FilmPipeline):
    """``pipeline("mono-to-ambisonics")``: a :class:`~avssl_hub.pipelines.spatialize.Spatialization` a film.

    Calls take ``projection`` and ``stereo``, making it ``windows``, ``use_running_stats`` and ``flow``; see
    :class:`~avssl_hub.pipelines.spatialize.SpatializationPipeline`. As there, ``batch_size`` is 10 unless told
    otherwise, and a pass never holds chunks of two films, which might be normalised together.
    """

    own = SpatializationPipeline

    def __init__(self, *args: Any, batch_size: int = 10, **kwargs: Any):
        super().__init__(*args, batch_size=batch_size, **kwargs)

    def _made(self, options: dict[str, Any]) -> SpatializationPipeline:
        return super()._made({**options, "batch_size": self._batch_size})

    def get_iterator(self, inputs: Any, num_workers: int, batch_size: int, *parameters: Any) -> Any:
        if batch_size != self.film_pipeline.batch_size:
            expected = f"{self.film_pipeline.batch_size}, as the pipeline was made with"
            step = "It counts in the result: make another pipeline."
            raise InvalidValueError(explain("batch_size of a call", batch_size, expected, step))
        return super().get_iterator(inputs, num_workers, 1, *parameters)

    def postprocess(self, outputs: list[dict[str, Any]]) -> Spatialization:
        pieces = chain.from_iterable(output["answer"] for output in outputs)
        return self.film_pipeline.join(outputs[-1]["facts"], pieces)

    def _forward(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"answer": self.film_pipeline.run(inputs.pop("window")), **inputs}

"""What this package's tasks share as pipelines of transformers: windows of films, batched across films."""

from collections.abc import Callable, Iterable, Iterator
from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any

from torch.utils.data import Dataset
from transformers.pipelines.base import ChunkPipeline

from ...errors import InvalidValueError, explain, unknown_name

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel

_NOT_OPTIONS = ("self", "model", "processor", "device", "batch_size")


class FilmPipeline(ChunkPipeline):
    """A pipeline of this package in the form of transformers' ``pipeline()``.

    A source is a path, bytes, a seekable binary file object, or ``{"path": ..., "bytes": ...}`` as columns of
    ``datasets`` hold media that are not decoded. Nothing is fetched from the network: an address is refused.

    A list of sources gives a list of results. Any other iterable (a generator, ``KeyDataset``, a column of a
    ``datasets.Dataset``) gives an iterator, which reads a source when it comes to it. Results are the dataclasses of
    this package's own pipelines.

    A film is read window by window, and ``batch_size`` counts windows of one pass of the network, which may be of
    several films. With ``num_workers=1`` another process reads while the network runs.

    Args:
        model: The model.
        feature_extractor: Its processor.
        processor: The same, by the name that this package has for it.
        **kwargs: What ``transformers.Pipeline`` takes (``device``, ``batch_size``, ...), options of ``own`` when it is
            made, and parameters of its calls, which each call here can replace.

    Raises:
        InvalidValueError: There is no processor, or the model is of another kind.
        UnknownNameError: There is no such parameter.
    """

    own: type
    """The pipeline that reads, runs and joins windows."""

    _load_tokenizer = False
    _load_image_processor = False
    _load_video_processor = False
    _load_processor = False
    _load_feature_extractor = None  # loaded by name; beside a model object, ``processor`` may stand for it

    def __init__(
        self,
        model: "PreTrainedModel",
        feature_extractor: "FeatureExtractionMixin | None" = None,
        processor: "FeatureExtractionMixin | None" = None,
        **kwargs: Any,
    ):
        options = {name: kwargs.pop(name) for name in _parameters(self.own.__init__) if name in kwargs}
        super().__init__(model, feature_extractor=feature_extractor or processor, **kwargs)
        self.film_pipeline = self._made(options)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer for one source, a list, or a stream of them; see the class."""
        if _is_stream(inputs):
            inputs = (source for source in inputs)
        return super().__call__(inputs, *args, **kwargs)

    def preprocess(self, source: Any, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Read the windows of one film."""
        with self.film_pipeline.open(_opened(source), **parameters) as film:
            windows = iter(film.windows())
            window = next(windows)
            for following in windows:
                yield {"window": window, "facts": None, "is_last": False}
                window = following
            # Complete only now that all of the film is read.
            yield {"window": window, "facts": film.facts, "is_last": True}

    def postprocess(self, outputs: list[dict[str, Any]]) -> Any:
        """Join what the network gives of one film's windows."""
        return self.film_pipeline.join(outputs[-1]["facts"], [output["answer"] for output in outputs])

    def save_pretrained(self, save_directory: str | PathLike, **kwargs: Any) -> None:
        """Save model and processor, from which ``pipeline()`` makes this again."""
        # transformers would copy this package's code beside them, for the next user to trust.
        self.model.save_pretrained(save_directory, **kwargs)
        self.feature_extractor.save_pretrained(save_directory, **kwargs)

    def _made(self, options: dict[str, Any]) -> Any:
        return self.own(self.model, self.feature_extractor, self.device, **options)

    def _sanitize_parameters(self, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        known = _parameters(self.own.open)[1:]
        for name in parameters:
            if name not in known:
                raise unknown_name(f"parameter of {self.task or type(self).__name__}", name, known)
        return parameters, {}, {}

    def _forward(self, inputs: dict[str, Any]) -> dict[str, Any]:
        # Of a batch, transformers makes lists.
        batched = isinstance(inputs["window"], list)
        answers = self.film_pipeline.run(inputs.pop("window") if batched else [inputs.pop("window")])
        return {"answer": answers if batched else answers[0], **inputs}


def _parameters(function: Callable) -> list[str]:
    return [name for name in signature(function).parameters if name not in _NOT_OPTIONS]


def _is_stream(inputs: Any) -> bool:
    one = isinstance(inputs, (str, bytes, dict)) or hasattr(inputs, "read")
    return isinstance(inputs, Iterable) and not one and not isinstance(inputs, (list, Dataset))


def _opened(source: Any) -> Any:
    if isinstance(source, dict) and {"path", "bytes"} & source.keys():
        source = source.get("bytes") or source.get("path")
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        expected = "a path, bytes, or a binary file object"
        raise InvalidValueError(explain("source", repr(source), expected, "Download it first."))
    return source

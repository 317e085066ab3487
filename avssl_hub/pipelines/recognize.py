"""One file in, what happens in it out: a fine-tuned network's classes, averaged over clips of the file."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING

from ..data.clips import Span, dense_starts
from ..errors import InvalidValueError, explain
from ..media import DecodeError, MediaReader, MediaSource, MissingStreamError
from ._loading import find_processor, ready_model

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel

_MOST_CLIPS = 10
_PICTURE = "pixel_values_videos"


@dataclass(frozen=True)
class Recognition:
    """Probabilities of K classes for one file, from N clips of it.

    Attributes:
        file: Name of the file.
        labels: The K classes.
        probabilities: float32 ``(K,)``, the mean over the clips.
        start: float64 ``(N,)``, start of each clip in seconds on the file's clock.
        clip_probabilities: float32 ``(N, K)``.
        heard: Whether sound had a part in it; if not, the picture alone was classified.
        notes: What is missing or odd; empty if nothing is.
    """

    file: str
    labels: tuple[str, ...]
    probabilities: torch.Tensor
    start: torch.Tensor
    clip_probabilities: torch.Tensor
    heard: bool
    notes: tuple[str, ...]

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """Return the most probable classes, best first, with their probabilities.

        Raises:
            InvalidValueError: ``count`` is not positive.
        """
        if count < 1:
            raise InvalidValueError(explain("number of classes to name", count, "a positive integer"))
        best = self.probabilities.topk(min(count, len(self.labels)))
        return [(self.labels[index], value) for value, index in zip(best.values.tolist(), best.indices.tolist())]


class RecognitionPipeline:
    """Classify what happens in media files.

    Args:
        model: A fine-tuned model for video classification, such as ``MultisensoryForVideoClassification``; or a
            folder or name that :func:`avssl_hub.load` knows.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.

    Raises:
        InvalidValueError: A model object came without its processor, or it does not classify video.
        WeightsNotFoundError: The folder holds no weights.

    Example:
        >>> recognize = RecognitionPipeline("./finetuned")  # doctest: +SKIP
        >>> recognize("my_video.mp4").top(3)
    """

    def __init__(
        self,
        model: "PreTrainedModel | str | Path",
        processor: "FeatureExtractionMixin | None" = None,
        device: str | torch.device = "cpu",
    ):
        self.device = torch.device(device)
        self.processor = find_processor(model, processor)
        self.model = _checked(ready_model(model, self.device))
        self._accepted = set(signature(self.model.forward).parameters)
        sounds = {*self.processor.model_input_names} - {_PICTURE}
        self._listens = bool(sounds & self._accepted) and getattr(self.model.config, "use_sound", True)

    def __call__(
        self,
        source: MediaSource,
        clips: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Recognition:
        """Classify one file.

        Args:
            source: Path, bytes, or a seekable binary file object, with picture.
            clips: Look at this many clips, spaced evenly from the first to the last possible one; by default at as
                many as the file has room for side by side, and at most 10.
            progress: Called with the clips done and of all.

        Returns:
            The classes' probabilities.

        Raises:
            InvalidValueError: ``clips`` is not positive.
            MissingStreamError: The file has no picture.
            MediaError: The file cannot be opened, or no clip of it decodes.
        """
        if clips is not None and clips < 1:
            raise InvalidValueError(explain("clips", clips, "a positive integer"))
        with MediaReader(source) as reader:
            info, picture = reader.info, reader.video
        if picture is None:
            raise MissingStreamError(
                explain(f"recognising what happens in {info.name!r}", "no picture", "a file with video"), info.name
            )
        length = getattr(self.processor, "audio_duration", self.processor.video_duration)
        span = Span(picture.start, picture.end)
        room = max(1, ceil((span.end - span.start) / length))
        wanted = min(_MOST_CLIPS, room) if clips is None else clips
        starts, rows, notes = [], [], []
        for done, start in enumerate(dense_starts(span, length, wanted), 1):
            try:
                rows.append(self._probabilities(source, start))
                starts.append(start)
            except DecodeError as error:
                if done == wanted and not rows:
                    raise
                notes.append(f"the clip at {start:.2f} s does not decode: {error}")
            if progress:
                progress(done, wanted)
        heard = self._listens and info.has_audio
        if not heard:
            why = "no sound track" if self._listens else "a network that does not listen"
            notes.insert(0, f"{why}: classified by the picture alone")
        names = self.model.config.id2label
        return Recognition(
            info.name,
            tuple(names[index] for index in sorted(names)),
            torch.stack(rows).mean(0),
            torch.tensor(starts, dtype=torch.float64),
            torch.stack(rows),
            heard,
            tuple(notes),
        )

    @torch.inference_mode()
    def _probabilities(self, source: MediaSource, start: float) -> torch.Tensor:
        inputs = self.processor(videos=[source], audio=[source] if self._listens else None, starts=[start])
        accepted = {name: value.to(self.device) for name, value in inputs.items() if name in self._accepted}
        return self.model(**accepted).logits[0].float().softmax(0).cpu()


def _checked(model: "PreTrainedModel") -> "PreTrainedModel":
    known = MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING.get(type(model.config), ())
    if isinstance(model, known):
        return model
    expected = "one fine-tuned for video classification, as MultisensoryForVideoClassification"
    step = "Give the folder that fine-tuning wrote."
    raise InvalidValueError(explain("model to recognise with", type(model).__name__, expected, step))

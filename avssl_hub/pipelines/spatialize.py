"""A 360° film with one channel of sound in, first-order ambisonics out."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..errors import InvalidValueError, explain, unknown_name
from ..media import MediaSource, MissingStreamError, PictureReader, SoundReader, probe
from ..models.spatial_audio_gen import RaftFlow, SpatialAudioGenModel
from ._loading import find_processor, ready_model
from ._placing import FadedSteps, HeldSteps
from ._spatialization_stream import Pass, SpatializationStream, SpatializedFilm
from ._sphere import find_sphere
from ._sphere_source import metadata_of

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel

WINDOWS = ("cross_fade", "released")


@dataclass(frozen=True)
class Spatialization:
    """The spatial sound of one film.

    Attributes:
        file: Name of the file.
        ambisonics: float32 ``(4, n)``: W as it was heard, Y, Z and X (ACN, SN3D).
        sampling_rate: Samples per second.
        start: Time of the first sample in seconds on the file's clock.
        notes: What was taken for granted, is missing or odd, and where; empty if nothing is.
    """

    file: str
    ambisonics: torch.Tensor
    sampling_rate: int
    start: float
    notes: tuple[str, ...]


class SpatializationPipeline:
    """Give the sound of a 360° film of any length back its directions.

    The film goes through the network in chunks of 0.1 s, each with a second of sound around it and the frame at its
    start. By default (``"cross_fade"``) the weights by which tracks are placed fade into each other, so that nothing
    clicks, and digital silence stays silent. ``"released"`` does as the authors' tool: weights are held, chunks lie
    side by side, and a last batch that is short is filled with zeros. Either way the sound is as long as the film's,
    and W is what was heard.

    The visual encoders normalise by statistics of the batch, as the released networks do, so that ``batch_size`` counts
    in the result. By default chunks from before fill a last batch that is short.

    Args:
        model: A ``SpatialAudioGenModel``, or a name that :func:`avssl_hub.load` knows.
        processor: The model's processor; found by name when ``model`` is a name.
        device: Where the model runs, such as ``"cpu"`` or ``"cuda"``.
        batch_size: Chunks a forward pass, which are normalised together; 10 is the released tool's.
        windows: ``"cross_fade"`` or ``"released"``.
        use_running_stats: Normalise by running statistics, so that chunks do not depend on each other; None is what
            the model's configuration says. Released weights never saw theirs.
        flow: For a network that takes flow: what estimates it from uint8 frames ``(T, 3, H, W)``, as
            ``RaftFlow.pretrained()``, the default, does; its weights are downloaded the first time.

    Raises:
        InvalidValueError: A model object came without its processor, or is of another kind, or ``batch_size`` is not
            positive.
        UnknownNameError: No model or rule has that name.
        WeightsNotFoundError: The model is known, but its weights are not here.

    Example:
        >>> spatialize = SpatializationPipeline("spatial_audio_gen.rec_street")  # doctest: +SKIP
        >>> sound = spatialize("street360.mp4").ambisonics
    """

    def __init__(
        self,
        model: "PreTrainedModel | str | Path",
        processor: "FeatureExtractionMixin | None" = None,
        device: str | torch.device = "cpu",
        batch_size: int = 10,
        windows: str = "cross_fade",
        use_running_stats: bool | None = None,
        flow: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ):
        if batch_size < 1:
            raise InvalidValueError(explain("batch_size", batch_size, "a positive integer"))
        if windows not in WINDOWS:
            raise unknown_name("rule for windows", windows, WINDOWS)
        self.device = torch.device(device)
        self.batch_size = batch_size
        self.released = windows == "released"
        self.processor = find_processor(model, processor)
        # What normalises decides what can be folded.
        statistics = {} if use_running_stats is None else {"use_running_stats": use_running_stats}
        self.model = _checked(ready_model(model, self.device, **statistics))
        config = self.model.config
        self.rule = HeldSteps(config) if self.released else FadedSteps(config)
        self.use_running_stats = config.use_running_stats if use_running_stats is None else use_running_stats
        self.sees = len(config.encoders) > 1
        self.flow = RaftFlow.pretrained() if flow is None and "flow" in config.encoders else flow

    def __call__(
        self,
        source: MediaSource,
        projection: str | None = None,
        stereo: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Spatialization:
        """Spatialise one film; its sound is held in memory.

        Sound of any rate is taken; of several channels their mean, of 4, 9 or 16 the first, W. Of stereo pictures the
        left eye's is seen. Where the picture ends before the sound, its last frame is held.

        Args:
            source: Path, bytes, or a seekable binary file object, with sound and, unless the network only hears, a
                picture of 360 degrees.
            projection: ``"equirectangular"``, ``"cubemap"`` or ``"eac"`` (YouTube's); by default what the file says,
                and equirectangular if it says nothing and the picture is twice as wide as high.
            stereo: ``"mono"``, ``"top-bottom"``, ``"left-right"`` or ``"right-left"``; by default what the file says,
                or mono.
            progress: Called with the chunks done and of all.

        Returns:
            The ambisonics.

        Raises:
            InvalidValueError: The picture is not of 360 degrees, as far as can be told, or of an unknown projection.
            MissingStreamError: There is no sound, or no picture for a network that sees.
            MediaError: The file cannot be opened or decoded.
        """
        with self.open(source, projection, stereo) as stream:
            blocks = []
            for block in stream:
                blocks.append(block)
                if progress:
                    progress(stream.done, stream.count)
        return self._spatialization(stream.facts, blocks)

    @contextmanager
    def open(
        self, source: MediaSource, projection: str | None = None, stereo: str | None = None
    ) -> Iterator[SpatializationStream]:
        """Give a stream that spatialises one film block by block in bounded memory; see ``__call__``."""
        info = probe(source)
        if self.sees and not info.has_video:
            expected = "a film, since the network sees"
            step = "Give a film, or take a model whose only encoder is audio."
            raise MissingStreamError(explain(f"spatialising {info.name!r}", "no picture", expected, step), info.name)
        with ExitStack() as stack:
            sound = stack.enter_context(SoundReader(source, self.processor.sampling_rate))
            picture = stack.enter_context(PictureReader(source)) if info.has_video else None
            sphere = None
            if picture:
                sphere = find_sphere(info.name, picture.stream, metadata_of(source), projection, stereo)
            yield SpatializationStream(self, sound, picture if self.sees else None, sphere)

    @torch.inference_mode()
    def run(self, batch: Pass) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Predict chunks in one pass: of each W, and the piece of the rest for ``join``; on the CPU."""
        chunks = [*batch.before, *batch.chunks]
        inputs = {
            "input_values": [chunk.sound[None] for chunk in chunks],
            "pixel_values_videos": [chunk.pixels[None] for chunk in chunks if chunk.pixels is not None],
            "flow_values": [chunk.flow[None] for chunk in chunks if chunk.flow is not None],
        }
        values = {name: self._stacked(tensors, batch.zeros) for name, tensors in inputs.items() if tensors}
        output = self.model(**values, use_running_stats=self.use_running_stats)
        placed = self.rule.place(self.model, output, values["input_values"]).float().cpu()[len(batch.before) :]
        for chunk, piece in zip(batch.chunks, placed):
            if not self.released and not chunk.sound.any():
                # Of nothing, the network's biases would make something.
                piece.zero_()
        first = self.processor.context_samples // 2
        return [(chunk.sound[first : first + chunk.length], piece) for chunk, piece in zip(batch.chunks, placed)]

    def join(self, film: SpatializedFilm, pieces: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Spatialization:
        """Make one sound of what ``run`` gives of all chunks of one film."""
        return self._spatialization(film, list(self.rule.join(pieces)))

    @property
    def normalizes_together(self) -> bool:
        """Whether chunks of one pass are normalised by their common statistics."""
        return self.sees and not self.use_running_stats

    def _spatialization(self, film: SpatializedFilm, blocks: list[torch.Tensor]) -> Spatialization:
        rate = self.processor.sampling_rate
        return Spatialization(film.file, torch.cat(blocks, 1), rate, film.start, film.notes)

    def _stacked(self, tensors: list[torch.Tensor], zeros: int) -> torch.Tensor:
        stacked = torch.stack([*tensors, *(torch.zeros_like(tensors[0]),) * zeros])
        return stacked.to(self.device, self.model.dtype)


def _checked(model: "PreTrainedModel") -> SpatialAudioGenModel:
    if isinstance(model, SpatialAudioGenModel):
        return model
    step = "`avssl ls --task mono-to-ambisonics` lists such."
    raise InvalidValueError(explain("model to spatialise with", type(model).__name__, "SpatialAudioGenModel", step))

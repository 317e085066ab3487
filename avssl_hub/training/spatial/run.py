"""Runs of this kind: mono sound and picture in, the distance of spectra to the recorded channels to be made small."""

from collections.abc import Iterator
from pathlib import Path

from accelerate import Accelerator
from torch import nn

from ...models.spatial_audio_gen import SpatialAudioGenModel
from ...objectives import ObjectiveOutput
from ..run import Run
from .batch import ChunkBatch
from .recipe import SpatializationRecipe
from .sources import ChunkSource
from .start import Beginning


class SpatializationRun(Run):
    """A run under way, on this process.

    Args:
        recipe: What to do.
        source: The items.
        beginning: Model, processor and objective to begin with; see :func:`avssl_hub.training.spatial.start.start`.
        folder: Where the run is kept.
        accelerator: The processes.
    """

    recipe: SpatializationRecipe
    source: ChunkSource

    def __init__(
        self,
        recipe: SpatializationRecipe,
        source: ChunkSource,
        beginning: Beginning,
        folder: Path,
        accelerator: Accelerator,
    ):
        model, self.processor, objective = beginning
        super().__init__(recipe, source, model, objective, folder, accelerator)

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        return list(model.parameters())

    def batches(self) -> Iterator[ChunkBatch]:
        accelerator = self.accelerator
        share = slice(accelerator.process_index, None, accelerator.num_processes)
        return self.source.batches(self.state.step, self.broken, accelerator.device, share)

    def rate(self, part: ChunkBatch) -> ObjectiveOutput:
        config = self.accelerator.unwrap_model(self.model).config
        chunk = slice(config.chunk_start, config.chunk_start + config.chunk_samples)
        output = self.model(
            input_values=part.ambisonics[:, :1],
            pixel_values_videos=part.pixels if "video" in config.encoders else None,
            flow_values=part.flow if "flow" in config.encoders else None,
            labels=part.ambisonics[:, 1:, chunk],
            channel_mask=part.recorded,
        )
        return ObjectiveOutput(output.loss, {})

    def write(self, model: SpatialAudioGenModel) -> None:
        model.save_pretrained(self.folder)
        self.processor.save_pretrained(self.folder)

"""Runs of this kind: mono sound and picture in, the distance of spectra to the recorded channels to be made small."""

from collections.abc import Iterator

from ...objectives import ObjectiveOutput
from ..processed_run import ProcessedRun
from .batch import ChunkBatch
from .recipe import SpatializationRecipe
from .sources import ChunkSource


class SpatializationRun(ProcessedRun):
    """A run under way, on this process."""

    recipe: SpatializationRecipe
    source: ChunkSource

    def batches(self) -> Iterator[ChunkBatch]:
        return self.source.batches(self.state.step, self.broken, self.accelerator.device, self.share)

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

"""Pretraining: both towers, an objective over their embeddings, and the model folder that is left."""

from collections.abc import Iterator
from pathlib import Path

from accelerate import Accelerator
from torch import nn

from ..models.avid import AvidModel, AvidProcessor
from ..objectives import Objective, ObjectiveOutput
from .batch import Batch
from .recipe import Recipe
from .run import Run
from .sources import Source
from .start import save_banks


class PretrainingRun(Run):
    """A pretraining run under way, on this process.

    Args:
        recipe: What to do.
        source: The items.
        beginning: Model, processor and objective to begin with; see :func:`avssl_hub.training.start.start`.
        folder: Where the run is kept.
        accelerator: The processes.
    """

    source: Source

    def __init__(
        self,
        recipe: Recipe,
        source: Source,
        beginning: tuple[AvidModel, AvidProcessor, Objective],
        folder: Path,
        accelerator: Accelerator,
    ):
        model, self.processor, objective = beginning
        super().__init__(recipe, source, model, objective, folder, accelerator)

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        return [*model.parameters(), *self.objective.parameters()]

    def batches(self) -> Iterator[Batch]:
        accelerator = self.accelerator
        ranks = accelerator.process_index, accelerator.num_processes
        source = self.source.batches(self.processor, self.objective, self.broken, accelerator.device, *ranks)
        return source.from_step(self.state.step)

    def rate(self, part: Batch) -> ObjectiveOutput:
        output = self.model(pixel_values_videos=part.pixel_values_videos, input_features=part.input_features)
        return self.objective(output.video_embeds, output.audio_embeds, part.indices, part.negatives)

    def write(self, model: nn.Module) -> None:
        model.save_pretrained(self.folder)
        self.processor.save_pretrained(self.folder)
        save_banks(self.objective, self.folder, self.source)

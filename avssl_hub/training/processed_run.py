"""A run whose inputs a processor defines, and that leaves a model with this processor beside it."""

from pathlib import Path

from accelerate import Accelerator
from torch import nn
from transformers import FeatureExtractionMixin, PreTrainedModel

from ..objectives import Objective
from .items import Items
from .run import Run
from .run_settings import RunSettings

Beginning = tuple[PreTrainedModel, FeatureExtractionMixin, Objective]


class ProcessedRun(Run):
    """A run under way, on this process; subclasses say what a batch is and how it is rated.

    Args:
        recipe: What to do.
        source: The items.
        beginning: Model, processor and objective to begin with, as a task's ``start`` makes them.
        folder: Where the run is kept.
        accelerator: The processes.
    """

    def __init__(
        self, recipe: RunSettings, source: Items, beginning: Beginning, folder: Path, accelerator: Accelerator
    ):
        model, self.processor, objective = beginning
        super().__init__(recipe, source, model, objective, folder, accelerator)

    @property
    def share(self) -> slice:
        """Places of a step that are this process's."""
        return slice(self.accelerator.process_index, None, self.accelerator.num_processes)

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        return [parameter for parameter in model.parameters() if parameter.requires_grad]

    def write(self, model: PreTrainedModel) -> None:
        model.save_pretrained(self.folder)
        self.processor.save_pretrained(self.folder)

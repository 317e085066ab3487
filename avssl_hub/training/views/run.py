"""What all runs of this kind share: whose weights move, where batches come from, what is left."""

from collections.abc import Iterator
from pathlib import Path

from accelerate import Accelerator
from torch import nn

from ...models.avsa import AvsaPreTrainedModel
from ..run import Run
from .batch import ViewBatch
from .recipe import ViewRecipe
from .sources import ViewSource
from .start import Beginning


class ViewRun(Run):
    """A run under way, on this process; subclasses say how a batch is rated.

    Args:
        recipe: What to do.
        source: The items.
        beginning: Model, processor and objective to begin with; see :func:`avssl_hub.training.views.start.start`.
        folder: Where the run is kept.
        accelerator: The processes.
    """

    recipe: ViewRecipe
    source: ViewSource

    def __init__(
        self, recipe: ViewRecipe, source: ViewSource, beginning: Beginning, folder: Path, accelerator: Accelerator
    ):
        model, self.processor, objective = beginning
        super().__init__(recipe, source, model, objective, folder, accelerator)

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        return [parameter for parameter in model.parameters() if parameter.requires_grad]

    def batches(self) -> Iterator[ViewBatch]:
        accelerator = self.accelerator
        share = slice(accelerator.process_index, None, accelerator.num_processes)
        return self.source.batches(self.processor, self.state.step, self.broken, accelerator.device, share)

    def write(self, model: AvsaPreTrainedModel) -> None:
        model.save_pretrained(self.folder)
        self.processor.save_pretrained(self.folder)

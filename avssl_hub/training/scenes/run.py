"""What all runs of this kind share: whose weights move, where batches come from, what is left."""

from collections.abc import Iterator
from pathlib import Path

from accelerate import Accelerator
from torch import Tensor, nn

from ...models.multisensory import MultisensoryPreTrainedModel
from ...models.multisensory.losses_multisensory import kernel_decay
from ...objectives import ObjectiveOutput
from ..run import Run
from .batch import SceneBatch
from .recipe import SceneRecipe
from .sources import SceneSource
from .start import Beginning


class SceneRun(Run):
    """A run under way, on this process; subclasses say how a batch is rated.

    Args:
        recipe: What to do.
        source: The items.
        beginning: Model, processor and objective to begin with; see :func:`avssl_hub.training.scenes.start.start`.
        folder: Where the run is kept.
        accelerator: The processes.
    """

    recipe: SceneRecipe
    source: SceneSource

    def __init__(
        self, recipe: SceneRecipe, source: SceneSource, beginning: Beginning, folder: Path, accelerator: Accelerator
    ):
        model, self.processor, objective = beginning
        super().__init__(recipe, source, model, objective, folder, accelerator)

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        return [parameter for parameter in model.parameters() if parameter.requires_grad]

    def batches(self) -> Iterator[SceneBatch]:
        accelerator = self.accelerator
        share = slice(accelerator.process_index, None, accelerator.num_processes)
        return self.source.batches(self.state.step, self.broken, accelerator.device, share)

    def write(self, model: MultisensoryPreTrainedModel) -> None:
        model.save_pretrained(self.folder)
        self.processor.save_pretrained(self.folder)

    def with_decay(self, loss: Tensor, decayed: nn.Module, **terms: Tensor) -> ObjectiveOutput:
        """Add the decay of a network's kernels to a loss, which is itself one of the terms."""
        penalty = kernel_decay(decayed, self.recipe.kernel_decay)
        terms = {name: value.detach() for name, value in terms.items()}
        return ObjectiveOutput(loss + penalty, {**terms, "kernel_decay": penalty.detach()})

"""What all runs of this kind share: where batches come from, and the decay of kernels."""

from collections.abc import Iterator

from torch import Tensor, nn

from ...models.multisensory.losses_multisensory import kernel_decay
from ...objectives import ObjectiveOutput
from ..processed_run import ProcessedRun
from .batch import SceneBatch
from .recipe import SceneRecipe
from .sources import SceneSource


class SceneRun(ProcessedRun):
    """A run under way, on this process; subclasses say how a batch is rated."""

    recipe: SceneRecipe
    source: SceneSource

    def batches(self) -> Iterator[SceneBatch]:
        return self.source.batches(self.state.step, self.broken, self.accelerator.device, self.share)

    def with_decay(self, loss: Tensor, decayed: nn.Module, **terms: Tensor) -> ObjectiveOutput:
        """Add the decay of a network's kernels to a loss, which is itself one of the terms."""
        penalty = kernel_decay(decayed, self.recipe.kernel_decay)
        terms = {name: value.detach() for name, value in terms.items()}
        return ObjectiveOutput(loss + penalty, {**terms, "kernel_decay": penalty.detach()})

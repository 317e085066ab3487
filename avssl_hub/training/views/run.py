"""What all runs of this kind share: where batches come from."""

from collections.abc import Iterator

from ..processed_run import ProcessedRun
from .batch import ViewBatch
from .recipe import ViewRecipe
from .sources import ViewSource


class ViewRun(ProcessedRun):
    """A run under way, on this process; subclasses say how a batch is rated."""

    recipe: ViewRecipe
    source: ViewSource

    def batches(self) -> Iterator[ViewBatch]:
        return self.source.batches(self.processor, self.state.step, self.broken, self.accelerator.device, self.share)

"""Pretraining: whose view's sound is it? (section 3 of the paper), and the instance discrimination before it."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ...models.avsa import AvsaForPreTraining
from ...objectives import ObjectiveOutput
from .._recipe_error import require
from .batch import ViewBatch
from .recipe import ViewRecipe
from .run import ViewRun


@dataclass(frozen=True)
class SpatialAlignmentRecipe(ViewRecipe):
    """All that decides a pretraining run.

    ``model.objective`` names the phase: "instdisc" for the first of the curriculum, "easy+hard" for the second, which
    starts from the towers of the first. Translations and heads begin fresh, as released.
    """

    network: ClassVar = AvsaForPreTraining

    task: Literal["spatial_alignment"] = "spatial_alignment"

    def __post_init__(self):
        super().__post_init__()
        if self.build_config().objective == "hard":
            require(self.views.count > 1, "views.count", self.views.count, "at least 2, to tell one from another")

    @property
    def least_clips(self) -> int:
        return 1 if self.build_config().objective == "hard" else 2


class SpatialAlignmentRun(ViewRun):
    """Pretraining under way."""

    recipe: SpatialAlignmentRecipe

    def rate(self, part: ViewBatch) -> ObjectiveOutput:
        output = self.model(pixel_values_videos=part.pixels, input_features=part.log_mels, return_loss=True)
        return ObjectiveOutput(output.loss, output.loss_terms)

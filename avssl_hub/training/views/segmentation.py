"""What is where in a view: a feature pyramid learns a panoptic network's answers (section 4.3, the supplement)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ...data.avworld360 import class_names
from ...data.segmentation360 import CLASSES
from ...models.avsa import AvsaConfig, AvsaForSemanticSegmentation
from ...objectives import ObjectiveOutput
from ..processed_run import ProcessedRun
from .labelled import LabelledBatch, ListedLabelledViews, WorldLabelledViews
from .recipe import ViewRecipe
from .settings import LabelledAugmentSettings, LabelledDataSettings


@dataclass(frozen=True)
class SegmentationRecipe(ViewRecipe):
    """All that decides a run of segmentation.

    ``model.segmentation_condition`` says what joins the picture, and ``model.segmentation_frozen_statistics`` whether
    the frozen towers are left alone: as released, their batch statistics and dropout act while the pyramid learns.

    The supplement words a pyramid of 128 channels and dilated convolutions; the release, and this, has 256 and none.
    """

    network: ClassVar = AvsaForSemanticSegmentation
    inherited: ClassVar = (*ViewRecipe.inherited, "video_to_audio.", "audio_to_video.")

    data: LabelledDataSettings = field(default_factory=LabelledDataSettings)
    augment: LabelledAugmentSettings = field(default_factory=LabelledAugmentSettings)
    task: Literal["segmentation"] = "segmentation"

    def build_config(self) -> AvsaConfig:
        """Make the network's configuration, with the names of the classes."""
        names = list(CLASSES) if self.data.manifest else class_names(self.data.world)
        return AvsaConfig(**self.model, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)})


class SegmentationRun(ProcessedRun):
    """Segmentation under way."""

    recipe: SegmentationRecipe
    source: WorldLabelledViews | ListedLabelledViews

    def batches(self) -> Iterator[LabelledBatch]:
        return self.source.batches(self.processor, self.state.step, self.broken, self.accelerator.device, self.share)

    def rate(self, part: LabelledBatch) -> ObjectiveOutput:
        output = self.model(part.views.pixels, part.views.log_mels, labels=part.labels)
        config = self.accelerator.unwrap_model(self.model).config
        labelled = part.labels != config.semantic_loss_ignore_index
        right = (output.logits.argmax(2) == part.labels) & labelled
        return ObjectiveOutput(output.loss, {"pixel_accuracy": right.sum() / labelled.sum().clamp_min(1)})

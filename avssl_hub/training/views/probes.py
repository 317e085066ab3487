"""What frozen features tell (section 4.2): is it this picture's sound, AVC-Bin, and is it in its place, AVSA-Bin?"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from ...models.avsa import (
    AvsaForAudioVisualCorrespondence,
    AvsaForSpatialAlignment,
    AvsaMatchOutput,
    draw_partners,
)
from ...objectives import ObjectiveOutput
from .batch import ViewBatch
from .recipe import ViewRecipe
from .run import ViewRun


@dataclass(frozen=True)
class ProbeRecipe(ViewRecipe):
    """What both probes are told; with ``model.matching_translation`` they look through the picture's translation."""

    inherited: ClassVar = (*ViewRecipe.inherited, "video_to_audio.")


@dataclass(frozen=True)
class CorrespondenceProbeRecipe(ProbeRecipe):
    """All that decides a probe of correspondence: each clip is paired with its own sound, and with another clip's."""

    network: ClassVar = AvsaForAudioVisualCorrespondence

    task: Literal["correspondence_probe"] = "correspondence_probe"

    @property
    def least_clips(self) -> int:
        return 2


@dataclass(frozen=True)
class AlignmentProbeRecipe(ProbeRecipe):
    """All that decides a probe of spatial alignment.

    Attributes:
        misalignment: How the sound of half of the clips is turned; a name of
            :data:`avssl_hub.audio.misalignment.MISALIGNMENTS`.
    """

    network: ClassVar = AvsaForSpatialAlignment

    task: Literal["spatial_alignment_probe"] = "spatial_alignment_probe"
    misalignment: Literal["yaw", "quaternion", "pitch_yaw", "yaw_pitch"] = "yaw"

    @property
    def turned_away(self) -> str:
        return self.misalignment


class CorrespondenceProbeRun(ViewRun):
    """A probe of correspondence under way."""

    recipe: CorrespondenceProbeRecipe

    def rate(self, part: ViewBatch) -> ObjectiveOutput:
        # Of the common generator, whose state is kept in checkpoints.
        partners = draw_partners(len(part.items)).to(part.items.device)
        return _rated(self.model(part.pixels, part.log_mels, partners=partners))


class AlignmentProbeRun(ViewRun):
    """A probe of spatial alignment under way."""

    recipe: AlignmentProbeRecipe

    def rate(self, part: ViewBatch) -> ObjectiveOutput:
        return _rated(self.model(part.pixels, part.log_mels, labels=part.turned))


def _rated(output: AvsaMatchOutput) -> ObjectiveOutput:
    right: Tensor = output.logits.argmax(1) == output.labels
    return ObjectiveOutput(output.loss, {"accuracy": right.float().mean()})

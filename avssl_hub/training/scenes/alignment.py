"""Pretraining by synchrony: is this the picture's own sound, or one of another moment (section 3 of the paper)?"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from ...models.multisensory import MultisensoryForAlignment
from ...objectives import ObjectiveOutput
from .._recipe_error import require
from .batch import SceneBatch
from .recipe import SceneRecipe
from .run import SceneRun
from .windows import AlignedWindows, ShiftedWindows


@dataclass(frozen=True)
class AlignmentRecipe(SceneRecipe):
    """All that decides a pretraining run.

    Attributes:
        least_shift: Frames, at the processor's rate, between the picture and the sound that is not in time, at least;
            65 of 125 share at most 60.
        wrong_sound: "shifted" for another moment of the same recording, or "other" for another recording of the
            batch, the paper's control with random pairs.
    """

    network: ClassVar = MultisensoryForAlignment

    task: Literal["alignment"] = "alignment"
    least_shift: int = 65
    wrong_sound: Literal["shifted", "other"] = "shifted"

    def __post_init__(self):
        require(self.least_shift >= 1, "least_shift", self.least_shift, "an integer of at least 1")
        super().__post_init__()

    @property
    def least_clips(self) -> int:
        return 2 if self.wrong_sound == "other" else 1

    def windows(self) -> AlignedWindows | ShiftedWindows:
        frames = self.build_processor().num_frames
        return ShiftedWindows(frames, self.least_shift) if self.wrong_sound == "shifted" else AlignedWindows(frames)


class AlignmentRun(SceneRun):
    """Pretraining under way: each clip is judged with its own sound and with a wrong one."""

    recipe: AlignmentRecipe

    def rate(self, part: SceneBatch) -> ObjectiveOutput:
        sounds = part.sounds
        if self.recipe.wrong_sound == "other":
            sounds = torch.cat([sounds, sounds.roll(1, 0)], 1)
        # Each of both batches holds true and wrong pairs, since it is normalised by itself.
        swapped = part.draws < 0.5
        sounds = torch.where(swapped[:, None, None, None], sounds.flip(1), sounds)
        labels = torch.stack([~swapped, swapped], 1)
        output = self.model(pixel_values_videos=part.pixels, input_values=sounds, labels=labels)
        right = ((output.logits > 0) == labels).float().mean()
        trunk = self.accelerator.unwrap_model(self.model)
        return self.with_decay(output.loss, trunk, alignment=output.loss, accuracy=right)

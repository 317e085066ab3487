"""Separation of what is on the screen from what is not, or of two sounds without a picture (section 6 of the paper)."""

from dataclasses import dataclass
from typing import Literal

from ...models.multisensory import (
    MultisensoryConfig,
    MultisensoryForSourceSeparation,
    MultisensoryProcessor,
    SpectrogramUNetForSeparation,
)
from ...objectives import ObjectiveOutput
from .._recipe_error import require
from .batch import SceneBatch
from .mixing import mixed_pairs
from .recipe import SceneRecipe
from .run import SceneRun

Network = MultisensoryForSourceSeparation | SpectrogramUNetForSeparation


@dataclass(frozen=True)
class SeparationRecipe(SceneRecipe):
    """All that decides a run that learns to separate.

    Attributes:
        blind: Whether the u-net is trained alone, without a picture; recordings of sound alone will then do.
        loudness_octaves: Each sound of a mixture is multiplied by two to a power drawn from minus this to this; 0.25
            in the authors' code, which leaves it off.
    """

    task: Literal["separation"] = "separation"
    blind: bool = False
    loudness_octaves: float = 0.0

    def __post_init__(self):
        require(self.loudness_octaves >= 0, "loudness_octaves", self.loudness_octaves, "a number of at least 0")
        super().__post_init__()
        config, samples = self.build_config(), self.build_processor().num_samples
        needed = config.frame_length + (config.spectrogram_frames_multiple - 1) * config.hop_length
        rule = f"at least {needed}, which make the {config.spectrogram_frames_multiple} frames that the u-net halves"
        require(samples >= needed, "samples of processor.num_frames", samples, rule)

    def check_processes(self, processes: int) -> None:
        super().check_processes(processes)
        parts = processes * self.loop.accumulation
        rule = f"a multiple of {2 * parts}: blind mixtures are made of both halves of each of {parts} parts"
        require(not self.blind or self.loop.batch_size // parts % 2 == 0, "loop.batch_size", self.loop.batch_size, rule)

    def build_config(self) -> MultisensoryConfig:
        make = MultisensoryConfig.blind_separation if self.blind else MultisensoryConfig.separation
        return make(**self.model)

    def build_processor(self) -> MultisensoryProcessor:
        return MultisensoryProcessor.separation(**self.processor)

    def clip_processor(self) -> MultisensoryProcessor:
        # Mixing sets the loudness of what is mixed.
        return MultisensoryProcessor.separation(**{**self.processor, "rms": None})

    @property
    def needs_picture(self) -> bool:
        return not self.blind

    @property
    def least_clips(self) -> int:
        return 2

    def build_network(self, classes: list[str]) -> Network:
        kind = SpectrogramUNetForSeparation if self.blind else MultisensoryForSourceSeparation
        return kind(self.build_config())


class SeparationRun(SceneRun):
    """Training under way: the sounds of a batch are mixed in pairs, to be told apart again."""

    recipe: SeparationRecipe

    def rate(self, part: SceneBatch) -> ObjectiveOutput:
        recipe = self.recipe
        octaves = recipe.loudness_octaves * (2 * part.draws - 1)
        sources = mixed_pairs(part.sounds[:, 0], recipe.blind, octaves)
        inputs = {} if recipe.blind else {"pixel_values_videos": part.pixels}
        output = self.model(input_values=sources.sum(1), labels=sources, **inputs)
        # As released: the decay of the audio-visual network's own kernels is left out.
        decayed = self.accelerator.unwrap_model(self.model).unet
        return self.with_decay(output.loss, decayed, **output.loss_terms)

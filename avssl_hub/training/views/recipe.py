"""Settings of trainings on views, refused before any work starts if one of them is wrong."""

import inspect
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...errors import explain, unknown_name
from ...media.hrir import read_hrir
from ...models.avsa import AvsaConfig, AvsaPreTrainedModel, AvsaProcessor
from ...video.view_rules import ViewRules
from ...views import HEARINGS
from .._recipe_error import RecipeError, require
from ..recipe import STATISTICS
from ..run_settings import RunSettings
from ..settings import LoopSettings, OptimizerSettings
from .settings import ViewAugmentSettings, ViewDataSettings


@dataclass(frozen=True)
class ViewRecipe(RunSettings):
    """What all trainings of this kind are told.

    Attributes:
        name: Checkpoint the recipe makes, ``<variant>.<training data>``.
        seed: Of weights, order, windows, views, augmentation and what each task draws.
        model: Settings of :class:`AvsaConfig` that differ from its defaults.
        processor: Settings of :class:`AvsaProcessor` that differ from its defaults; the statistics of the bands are
            the published ones, or measured where there are none.
        head: File of head responses (.sofa, or .wav of Omnitone) that sound is heard through with
            ``processor.hearing=stereo``; a rigid sphere if empty.
        views: How the views of a clip are drawn.
        start_from: Folder of a model of the family: the weights that this training inherits and the statistics are
            the start.
    """

    network: ClassVar[type[AvsaPreTrainedModel]]
    # Parts of the model to start from, as far as this one has them.
    inherited: ClassVar[tuple[str, ...]] = ("video_encoder.", "audio_encoder.")

    name: str
    seed: int = 0
    model: dict[str, Any] = field(default_factory=dict)
    processor: dict[str, Any] = field(default_factory=dict)
    head: str = ""
    views: ViewRules = field(default_factory=ViewRules)
    data: ViewDataSettings = field(default_factory=ViewDataSettings)
    augment: ViewAugmentSettings = field(default_factory=ViewAugmentSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    start_from: str = ""

    def __post_init__(self):
        # NumPy takes no larger one.
        require(0 <= self.seed < 2**32, "seed", self.seed, "an integer from 0 to 4294967295")
        for section, built, fixed in (("model", AvsaConfig, set()), ("processor", AvsaProcessor, STATISTICS)):
            known = inspect.signature(built).parameters.keys() - {"kwargs"} - fixed
            for key in getattr(self, section):
                if key not in known:
                    raise RecipeError(unknown_name(f"recipe key in '{section}'", key, known))
        try:
            config, processor = self.build_config(), self.unscaled_processor()
        except TypeError as error:
            what, rule = "recipe sections 'model' and 'processor'", "values of the types their classes take"
            raise RecipeError(explain(what, error, rule)) from error
        require(
            config.num_frames == processor.num_frames,
            "processor.num_frames",
            processor.num_frames,
            f"model.num_frames={config.num_frames}",
        )
        require(
            config.audio_num_channels == processor.num_channels,
            "model.audio_num_channels",
            config.audio_num_channels,
            f"{processor.num_channels}, as processor.hearing={processor.hearing} has them",
        )
        require(
            processor.video_duration <= processor.audio_duration,
            "processor.num_frames / processor.fps and processor.audio_duration",
            f"{processor.video_duration:g} s of picture and {processor.audio_duration:g} s of sound",
            "no more picture than sound",
        )
        # Rules that cannot be met are refused by the first draw.
        self.views.sample(1, 2)
        if not self.data.manifest:
            self._check_world(processor)

    def _check_world(self, processor: AvsaProcessor) -> None:
        sound, length = processor.audio_duration, self.data.world.duration
        require(sound <= length, "processor.audio_duration", f"{sound:g} s", f"at most the {length:g} s of a scene")
        rates = processor.sampling_rate, self.data.world.sampling_rate
        require(rates[0] == rates[1], "processor.sampling_rate", rates[0], f"the world's {rates[1]}")
        self.epoch_steps(self.data.items)

    @property
    def least_clips(self) -> int:
        """Fewest clips of a process, or of a part of its batch, that can be compared."""
        return 1

    @property
    def turned_away(self) -> str:
        """How the sound of half of the clips is turned away from its picture; empty if it is not."""
        return ""

    def build_config(self) -> AvsaConfig:
        """Make the network's configuration."""
        channels = HEARINGS.get(self.processor.get("hearing"), AvsaConfig().audio_num_channels)
        return AvsaConfig(**{"audio_num_channels": channels, **self.model})

    def build_network(self) -> AvsaPreTrainedModel:
        """Make the network with fresh weights."""
        return self.network(self.build_config())

    def processor_settings(self) -> dict[str, Any]:
        """Return the settings of the processor, with the filters of the head.

        Raises:
            MediaError: The file of the head cannot be read.
        """
        if not self.head:
            return self.processor
        rate = inspect.signature(AvsaProcessor).parameters["sampling_rate"].default
        filters = read_hrir(self.head).filters(1, self.processor.get("sampling_rate", rate))
        return {**self.processor, "head_filters": filters.tolist()}

    def unscaled_processor(self) -> AvsaProcessor:
        """Make the processor as it is before the statistics of its bands are known."""
        bands = self.processor.get("num_mel_bands", 128)
        return AvsaProcessor(**self.processor_settings(), spectrogram_mean=[0.0] * bands, spectrogram_std=[1.0] * bands)

"""What a training run may be told: typed settings, refused before any work starts if one of them is wrong."""

import inspect
from dataclasses import dataclass, field
from typing import Any, Literal, get_type_hints

from .._typed import parse
from ..errors import explain, unknown_name
from ..models.avid import AvidConfig, AvidProcessor
from ..objectives import OBJECTIVES, Objective
from ._recipe_error import RecipeError, require
from .run_settings import RunSettings
from .settings import AugmentSettings, DataSettings, LoopSettings, OptimizerSettings

STATISTICS = {"spectrogram_mean", "spectrogram_std"}
# Stands for the rows of a manifest until it is read.
UNCOUNTED_ITEMS = 100_000


@dataclass(frozen=True)
class Recipe(RunSettings):
    """All that decides a run that trains two towers to agree.

    Attributes:
        name: Checkpoint the recipe makes, ``<variant>.<pretraining data>``.
        seed: Seed of weights, banks, order, windows, augmentation and negatives.
        model: Settings of :class:`AvidConfig` that differ from its defaults.
        processor: Settings of :class:`AvidProcessor` that differ from its defaults; the statistics of the
            spectrogram are measured on the training split.
        objective: ``name`` of the objective, "avid" if left out, and its settings that differ from its defaults; see
            :data:`avssl_hub.objectives.OBJECTIVES`.
        start_from: Folder of a finished run on the same data: its weights, memory banks and spectrogram statistics
            are the start. The optimiser starts afresh.
    """

    name: str
    seed: int = 0
    model: dict[str, Any] = field(default_factory=dict)
    processor: dict[str, Any] = field(default_factory=dict)
    data: DataSettings = field(default_factory=DataSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    objective: dict[str, Any] = field(default_factory=lambda: {"name": "avid"})
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    start_from: str = ""
    task: Literal["embedding"] = "embedding"

    def __post_init__(self):
        # NumPy takes no larger one.
        require(0 <= self.seed < 2**32, "seed", self.seed, "an integer from 0 to 4294967295")
        # The statistics are no setting: they are measured.
        for section, built, fixed in (("model", AvidConfig, set()), ("processor", AvidProcessor, STATISTICS)):
            settings = getattr(self, section)
            known = inspect.signature(built).parameters.keys() - {"kwargs"} - fixed
            for key in settings:
                if key not in known:
                    raise RecipeError(unknown_name(f"recipe key in '{section}'", key, known))
        try:
            AvidConfig(**self.model)
            processor = self.processor_in_decibels()
        except TypeError as error:
            what, rule = (
                "recipe sections 'model' and 'processor'",
                "values of the types AvidConfig and AvidProcessor take",
            )
            raise RecipeError(explain(what, error, rule)) from error
        require(
            processor.video_duration <= processor.audio_duration,
            "processor.num_frames / processor.fps and processor.audio_duration",
            f"{processor.video_duration:g} s of picture and {processor.audio_duration:g} s of sound",
            "no more picture than sound",
        )
        if not self.data.manifest:
            self._check_world(processor)
        # The objective knows its rules; the smallest one is built at once.
        self.build_objective(UNCOUNTED_ITEMS if self.data.manifest else self.data.items, dim=1)

    def _check_world(self, processor: AvidProcessor) -> None:
        sound, length = processor.audio_duration, self.data.world.duration
        require(sound <= length, "processor.audio_duration", f"{sound:g} s", f"at most the {length:g} s of a scene")
        rates = processor.sampling_rate, self.data.world.sampling_rate
        require(rates[0] == rates[1], "processor.sampling_rate", rates[0], f"the world's {rates[1]}")
        self.epoch_steps(self.data.items)

    def build_objective(self, num_items: int, dim: int) -> Objective:
        """Make the objective for ``num_items`` items and embeddings of size ``dim``."""
        settings = dict(self.objective)
        name = parse(str, settings.pop("name", "avid"), "objective.name", RecipeError)
        if name not in OBJECTIVES:
            raise RecipeError(unknown_name("objective in recipe key 'objective.name'", name, OBJECTIVES))
        kind = OBJECTIVES[name]
        # A class hands the settings that are not its own on to its base.
        bases = [base for base in kind.__mro__ if issubclass(base, Objective) and "__init__" in vars(base)]
        types = {key: of for base in bases for key, of in get_type_hints(base.__init__).items()}
        given = {"num_items": num_items, "dim": dim, "seed": self.seed}
        known = types.keys() - given.keys() - {"return"}
        for key in settings:
            if key not in known:
                raise RecipeError(unknown_name(f"recipe key in 'objective' ({name})", key, known | {"name"}))
            settings[key] = parse(types[key], settings[key], f"objective.{key}", RecipeError)
        return kind(**{key: value for key, value in given.items() if key in types}, **settings)

    def processor_in_decibels(self) -> AvidProcessor:
        """Build the processor as it is before its statistics are known."""
        rows = self.processor.get("fft_size", AvidProcessor().fft_size) // 4 + 1
        return AvidProcessor(**self.processor, spectrogram_mean=[0.0] * rows, spectrogram_std=[1.0] * rows)

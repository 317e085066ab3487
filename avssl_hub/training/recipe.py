"""What a training run may be told: typed settings, refused before any work starts if one of them is wrong."""

import dataclasses
import inspect
from dataclasses import dataclass, field
from typing import Any, Literal, get_type_hints

from ..data.avworld import AVWorldConfig
from ..errors import explain, unknown_name
from ..models.avid import AvidConfig, AvidProcessor
from ..objectives import OBJECTIVES, Objective
from ._typed import RecipeError, parse, require

STATISTICS = {"spectrogram_mean", "spectrogram_std"}


@dataclass(frozen=True)
class DataSettings:
    """What is looked at.

    Attributes:
        items: Scenes of AVWorld's train split, N; each is one instance to discriminate.
        world: Settings of AVWorld.
    """

    items: int = 1024
    world: AVWorldConfig = field(default_factory=AVWorldConfig)

    def __post_init__(self):
        require(self.items >= 2, "data.items", self.items, "at least 2")


@dataclass(frozen=True)
class AugmentSettings:
    """How clips are changed, each at random; see :class:`avssl_hub.video.augment.ClipAugmentation`.

    Attributes:
        crop_area: Smallest and largest share of the picture a crop covers.
        mirror: Probability of a mirror image.
        brightness: Strength of the colour jitter, as are the three that follow.
        contrast: Likewise.
        saturation: Likewise.
        hue: Largest turn of the colour circle, in turns.
        volume: Largest relative change of the sound's level.
    """

    crop_area: tuple[float, float] = (0.08, 1.0)
    mirror: float = 0.5
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.2
    volume: float = 0.1

    def __post_init__(self):
        low, high = self.crop_area
        require(0 < low <= high <= 1, "augment.crop_area", list(self.crop_area), "0 < smallest <= largest <= 1")
        require(0 <= self.mirror <= 1, "augment.mirror", self.mirror, "a probability")
        require(0 <= self.hue <= 0.5, "augment.hue", self.hue, "0 to 0.5")
        for name in ("brightness", "contrast", "saturation"):
            require(getattr(self, name) >= 0, f"augment.{name}", getattr(self, name), "a number of at least 0")
        require(0 <= self.volume < 1, "augment.volume", self.volume, "0 <= volume < 1")


@dataclass(frozen=True)
class OptimizerSettings:
    """Adam with the weight decay added to the gradient, as the papers use it.

    Attributes:
        learning_rate: Peak rate.
        weight_decay: L2 coefficient.
        epsilon: What keeps the update finite where gradients vanish.
        warmup_steps: Steps over which the rate rises from zero.
        schedule: "constant", or "cosine" down to zero at the last step.
    """

    learning_rate: float = 2e-4
    weight_decay: float = 1e-5
    epsilon: float = 1e-8
    warmup_steps: int = 0
    schedule: Literal["constant", "cosine"] = "constant"

    def __post_init__(self):
        require(self.learning_rate > 0, "optimizer.learning_rate", self.learning_rate, "a number above 0")
        require(self.weight_decay >= 0, "optimizer.weight_decay", self.weight_decay, "a number of at least 0")
        require(self.epsilon > 0, "optimizer.epsilon", self.epsilon, "a number above 0")
        require(self.warmup_steps >= 0, "optimizer.warmup_steps", self.warmup_steps, "an integer of at least 0")


@dataclass(frozen=True)
class LoopSettings:
    """How long, and what is kept on the way.

    Attributes:
        steps: Optimiser steps.
        batch_size: Clips a step, over all processes.
        checkpoint_every: Steps between checkpoints.
        keep_checkpoints: Newest checkpoints kept.
        log_every: Steps between log lines.
        mixed_precision: Type the networks compute in, "no" for float32; objectives always compute in float32. "fp16"
            needs a GPU.
        sync_batch_norm: Whether processes share the statistics of batch normalisation; the papers' do not.
        trackers: Accelerate trackers to log to, such as "tensorboard".
    """

    steps: int = 1000
    batch_size: int = 64
    checkpoint_every: int = 500
    keep_checkpoints: int = 2
    log_every: int = 50
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    sync_batch_norm: bool = False
    trackers: tuple[str, ...] = ()

    def __post_init__(self):
        for name in ("steps", "batch_size", "checkpoint_every", "keep_checkpoints", "log_every"):
            require(getattr(self, name) >= 1, f"loop.{name}", getattr(self, name), "an integer of at least 1")


@dataclass(frozen=True)
class Recipe:
    """All that decides a training run.

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

    def __post_init__(self):
        require(self.seed >= 0, "seed", self.seed, "an integer of at least 0")
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
        length = self.data.world.duration
        require(
            processor.video_duration <= processor.audio_duration <= length,
            "processor.num_frames / processor.fps and processor.audio_duration",
            f"{processor.video_duration:g} s of picture and {processor.audio_duration:g} s of sound",
            f"no more picture than sound, and no more sound than the {length:g} s of a scene",
        )
        rates = processor.sampling_rate, self.data.world.sampling_rate
        require(rates[0] == rates[1], "processor.sampling_rate", rates[0], f"the world's {rates[1]}")
        # The objective knows its rules; the smallest one is built at once.
        self.build_objective(dim=1)
        batch, items = self.loop.batch_size, self.data.items
        require(batch <= items, "loop.batch_size", batch, f"at most data.items={items}")

    def build_objective(self, dim: int) -> Objective:
        """Make the objective for embeddings of size ``dim``."""
        settings = dict(self.objective)
        name = settings.pop("name", "avid")
        if name not in OBJECTIVES:
            raise RecipeError(unknown_name("objective in recipe key 'objective.name'", str(name), OBJECTIVES))
        kind = OBJECTIVES[name]
        # A class hands the settings that are not its own on to its base.
        bases = [base for base in kind.__mro__ if issubclass(base, Objective) and "__init__" in vars(base)]
        types = {key: of for base in bases for key, of in get_type_hints(base.__init__).items()}
        given = {"num_items": self.data.items, "dim": dim, "seed": self.seed}
        known = types.keys() - given.keys() - {"return"}
        for key in settings:
            if key not in known:
                raise RecipeError(unknown_name(f"recipe key in 'objective' ({name})", key, known | {"name"}))
            settings[key] = parse(types[key], settings[key], f"objective.{key}")
        return kind(**{key: value for key, value in given.items() if key in types}, **settings)

    def processor_in_decibels(self) -> AvidProcessor:
        """Build the processor as it is before its statistics are known."""
        rows = self.processor.get("fft_size", AvidProcessor().fft_size) // 4 + 1
        return AvidProcessor(**self.processor, spectrogram_mean=[0.0] * rows, spectrogram_std=[1.0] * rows)

    def to_dict(self) -> dict:
        """Return the settings as plain values, as YAML holds them."""
        return dataclasses.asdict(self)

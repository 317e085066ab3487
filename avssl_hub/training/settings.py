"""The sections of a recipe: typed settings, each checked by itself."""

from dataclasses import dataclass, field
from typing import Literal

from ..data.avworld import AVWorldConfig
from ._recipe_error import require
from .picture_settings import PictureSettings
from .trackers import check_trackers

AVWORLD_ITEMS = 1024


@dataclass(frozen=True)
class ReadingSettings:
    """How clips of items are read.

    Attributes:
        clips_per_item: Clips of each item in an epoch.
        workers: Processes that decode for each training process.
        max_broken: Largest share of the recordings that may turn out to be unusable before the run stops; one is always
            allowed.
    """

    clips_per_item: int = 1
    workers: int = 2
    max_broken: float = 0.01

    def __post_init__(self):
        for name in ("clips_per_item", "workers"):
            require(getattr(self, name) >= 1, f"data.{name}", getattr(self, name), "an integer of at least 1")
        require(0 <= self.max_broken <= 1, "data.max_broken", self.max_broken, "a share from 0 to 1")


@dataclass(frozen=True)
class DataSettings(ReadingSettings):
    """What is looked at: recordings that a manifest lists, or scenes of AVWorld.

    Attributes:
        manifest: Table of recordings, each row one instance to discriminate; see
            :class:`avssl_hub.data.manifest.Manifest`. AVWorld if empty.
        split: Rows of the manifest that are used, by their ``split``; all if empty.
        items: Scenes of AVWorld's train split, N; each is one instance to discriminate.
        world: Settings of AVWorld.
    """

    manifest: str = ""
    split: str = ""
    items: int = AVWORLD_ITEMS
    world: AVWorldConfig = field(default_factory=AVWorldConfig)

    def __post_init__(self):
        super().__post_init__()
        require(self.items >= 2, "data.items", self.items, "at least 2")
        if self.manifest:
            rule = "nothing beside data.manifest, whose rows are the items"
            require(self.items == AVWORLD_ITEMS, "data.items", self.items, rule)
            require(self.world == AVWorldConfig(), "data.world", "settings of AVWorld", "none beside data.manifest")
        else:
            require(not self.split, "data.split", repr(self.split), "a manifest to choose rows of, data.manifest=FILE")


@dataclass(frozen=True)
class AugmentSettings(PictureSettings):
    """How clips of picture and sound are changed, each at random.

    Attributes:
        volume: Largest relative change of the sound's level.
        misalignment: Seconds by which the picture may lie outside its sound, before or behind; recordings only
            (AVID section 5.1).
    """

    volume: float = 0.1
    misalignment: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        require(0 <= self.volume < 1, "augment.volume", self.volume, "0 <= volume < 1")
        require(self.misalignment >= 0, "augment.misalignment", self.misalignment, "seconds of at least 0")


@dataclass(frozen=True)
class OptimizerSettings:
    """Adam, or gradient descent with momentum, the weight decay added to the gradient, as the papers use them.

    Attributes:
        method: "adam" or "sgd".
        learning_rate: Peak rate.
        weight_decay: L2 coefficient.
        epsilon: What keeps Adam's update finite where gradients vanish.
        momentum: That of "sgd".
        warmup_steps: Steps over which the rate rises from zero.
        warmup_epochs: The same, in epochs.
        schedule: "constant", "cosine" down to zero at the last step, "multistep", or "step".
        milestones: Epochs after which "multistep" multiplies the rate by ``decay``.
        decay_steps: Steps after which "step" does, again and again.
        decay: Factor at each milestone.
        max_norm: Norm that all gradients together are clipped to; 0 leaves them as they are.
    """

    method: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 2e-4
    weight_decay: float = 1e-5
    epsilon: float = 1e-8
    momentum: float = 0.9
    warmup_steps: int = 0
    warmup_epochs: int = 0
    schedule: Literal["constant", "cosine", "multistep", "step"] = "constant"
    milestones: tuple[int, ...] = ()
    decay_steps: int = 0
    decay: float = 0.1
    max_norm: float = 0.0

    def __post_init__(self):
        require(self.learning_rate > 0, "optimizer.learning_rate", self.learning_rate, "a number above 0")
        require(self.weight_decay >= 0, "optimizer.weight_decay", self.weight_decay, "a number of at least 0")
        require(self.epsilon > 0, "optimizer.epsilon", self.epsilon, "a number above 0")
        require(0 <= self.momentum < 1, "optimizer.momentum", self.momentum, "0 <= momentum < 1")
        for name in ("warmup_steps", "warmup_epochs", "decay_steps"):
            require(getattr(self, name) >= 0, f"optimizer.{name}", getattr(self, name), "an integer of at least 0")
        both = self.warmup_steps and self.warmup_epochs
        require(not both, "optimizer.warmup_epochs", self.warmup_epochs, "0 beside optimizer.warmup_steps")
        require(self.decay > 0, "optimizer.decay", self.decay, "a number above 0")
        rule = "epochs, which schedule 'multistep' needs and no other takes"
        fits = bool(self.milestones) == (self.schedule == "multistep")
        require(fits, "optimizer.milestones", list(self.milestones), rule)
        fits = bool(self.decay_steps) == (self.schedule == "step")
        rule = "steps, which schedule 'step' needs and no other takes"
        require(fits, "optimizer.decay_steps", self.decay_steps, rule)
        require(self.max_norm >= 0, "optimizer.max_norm", self.max_norm, "a number of at least 0")


@dataclass(frozen=True)
class LoopSettings:
    """How long, and what is kept on the way.

    Attributes:
        epochs: Passes over the items, each with ``data.clips_per_item`` clips of every item; an epoch's last batch is
            left out if it is incomplete.
        steps: Optimiser steps; overrides ``epochs`` where above 0.
        batch_size: Clips a step, over all processes.
        accumulation: Parts in which each process computes its share of a batch, one after another, to save memory.
            Their gradients make one step. Batch statistics, negatives within the batch and Robust-xID's sum of weights
            are those of a part, and each part meets memory banks that the parts before it have moved.
        checkpoint_every: Steps between checkpoints.
        keep_checkpoints: Newest checkpoints kept.
        log_every: Steps between log lines.
        mixed_precision: Type the networks compute in, "no" for float32; objectives always compute in float32. "fp16"
            needs a GPU.
        sync_batch_norm: Whether processes share the statistics of batch normalisation; the papers' do not.
        channels_last: Whether convolutions' weights lie channels last: on several CPU threads a full-size step takes
            three quarters of the time, one of a narrow network longer.
        compile: Whether the networks are compiled by torch.compile, which takes minutes and a C++ compiler on CPUs.
        trackers: Trackers of Accelerate to log to, by name; TensorBoard's files go into ``logs``.
    """

    epochs: int = 0
    steps: int = 0
    batch_size: int = 64
    accumulation: int = 1
    checkpoint_every: int = 500
    keep_checkpoints: int = 2
    log_every: int = 50
    mixed_precision: Literal["no", "bf16", "fp16"] = "no"
    sync_batch_norm: bool = False
    channels_last: bool = False
    compile: bool = False
    trackers: tuple[str, ...] = ("tensorboard",)

    def __post_init__(self):
        for name in ("batch_size", "accumulation", "checkpoint_every", "keep_checkpoints", "log_every"):
            require(getattr(self, name) >= 1, f"loop.{name}", getattr(self, name), "an integer of at least 1")
        for name in ("epochs", "steps"):
            require(getattr(self, name) >= 0, f"loop.{name}", getattr(self, name), "an integer of at least 0")
        require(self.epochs + self.steps > 0, "loop.epochs and loop.steps", "neither", "one of them above 0")
        check_trackers(self.trackers)

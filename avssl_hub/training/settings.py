"""The sections of a recipe: typed settings, each checked by itself."""

from dataclasses import dataclass, field
from typing import Literal

from ..data.avworld import AVWorldConfig
from ..models.avid import AvidProcessor
from ..video.augment import ClipAugmentation
from ._recipe_error import require
from .trackers import check_trackers

AVWORLD_ITEMS = 1024


@dataclass(frozen=True)
class DataSettings:
    """What is looked at: recordings that a manifest lists, or scenes of AVWorld.

    Attributes:
        manifest: Table of recordings, each row one instance to discriminate; see
            :class:`avssl_hub.data.manifest.Manifest`. AVWorld if empty.
        split: Rows of the manifest that are used, by their ``split``; all if empty.
        clips_per_item: Clips of each item in an epoch.
        workers: Processes that decode for each training process.
        max_broken: Largest share of a manifest's rows that may turn out to be unusable before the run stops; one row is
            always allowed.
        items: Scenes of AVWorld's train split, N; each is one instance to discriminate.
        world: Settings of AVWorld.
    """

    manifest: str = ""
    split: str = ""
    clips_per_item: int = 1
    workers: int = 2
    max_broken: float = 0.01
    items: int = AVWORLD_ITEMS
    world: AVWorldConfig = field(default_factory=AVWorldConfig)

    def __post_init__(self):
        require(self.items >= 2, "data.items", self.items, "at least 2")
        for name in ("clips_per_item", "workers"):
            require(getattr(self, name) >= 1, f"data.{name}", getattr(self, name), "an integer of at least 1")
        require(0 <= self.max_broken <= 1, "data.max_broken", self.max_broken, "a share from 0 to 1")
        if self.manifest:
            rule = "nothing beside data.manifest, whose rows are the items"
            require(self.items == AVWORLD_ITEMS, "data.items", self.items, rule)
            require(self.world == AVWorldConfig(), "data.world", "settings of AVWorld", "none beside data.manifest")
        else:
            require(not self.split, "data.split", repr(self.split), "a manifest to choose rows of, data.manifest=FILE")


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
        misalignment: Seconds by which the picture may lie outside its sound, before or behind; recordings only
            (AVID section 5.1).
    """

    crop_area: tuple[float, float] = (0.08, 1.0)
    mirror: float = 0.5
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.2
    volume: float = 0.1
    misalignment: float = 0.5

    def __post_init__(self):
        low, high = self.crop_area
        require(0 < low <= high <= 1, "augment.crop_area", list(self.crop_area), "0 < smallest <= largest <= 1")
        require(0 <= self.mirror <= 1, "augment.mirror", self.mirror, "a probability")
        require(0 <= self.hue <= 0.5, "augment.hue", self.hue, "0 to 0.5")
        for name in ("brightness", "contrast", "saturation"):
            require(getattr(self, name) >= 0, f"augment.{name}", getattr(self, name), "a number of at least 0")
        require(0 <= self.volume < 1, "augment.volume", self.volume, "0 <= volume < 1")
        require(self.misalignment >= 0, "augment.misalignment", self.misalignment, "seconds of at least 0")

    def build(self, processor: AvidProcessor) -> ClipAugmentation:
        """Make the transform from raw frames to the pixels that ``processor`` would make without chance."""
        return ClipAugmentation(
            size=processor.crop_size,
            area=self.crop_area,
            mirror=self.mirror,
            brightness=self.brightness,
            contrast=self.contrast,
            saturation=self.saturation,
            hue=self.hue,
            mean=processor.image_mean,
            std=processor.image_std,
        )


@dataclass(frozen=True)
class OptimizerSettings:
    """Adam with the weight decay added to the gradient, as the papers use it.

    Attributes:
        learning_rate: Peak rate.
        weight_decay: L2 coefficient.
        epsilon: What keeps the update finite where gradients vanish.
        warmup_steps: Steps over which the rate rises from zero.
        schedule: "constant", "cosine" down to zero at the last step, or "multistep".
        milestones: Epochs after which "multistep" multiplies the rate by ``decay``.
        decay: Factor at each milestone.
    """

    learning_rate: float = 2e-4
    weight_decay: float = 1e-5
    epsilon: float = 1e-8
    warmup_steps: int = 0
    schedule: Literal["constant", "cosine", "multistep"] = "constant"
    milestones: tuple[int, ...] = ()
    decay: float = 0.1

    def __post_init__(self):
        require(self.learning_rate > 0, "optimizer.learning_rate", self.learning_rate, "a number above 0")
        require(self.weight_decay >= 0, "optimizer.weight_decay", self.weight_decay, "a number of at least 0")
        require(self.epsilon > 0, "optimizer.epsilon", self.epsilon, "a number above 0")
        require(self.warmup_steps >= 0, "optimizer.warmup_steps", self.warmup_steps, "an integer of at least 0")
        require(self.decay > 0, "optimizer.decay", self.decay, "a number above 0")
        rule = "epochs, which schedule 'multistep' needs and no other takes"
        fits = bool(self.milestones) == (self.schedule == "multistep")
        require(fits, "optimizer.milestones", list(self.milestones), rule)


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

"""The sections of the recipes of trained protocols that pretraining does not have, and what one stage of them is."""

from dataclasses import dataclass, field
from typing import Literal

from ...training._recipe_error import require
from ...training.picture_settings import ColorSettings
from ...training.run_settings import RunSettings
from ...training.settings import LoopSettings, OptimizerSettings, ReadingSettings
from ...video.square_augment import SquareAugmentation
from .pixels import PixelInput


@dataclass(frozen=True)
class ClipSettings:
    """Form of a clip; null keeps the model's own.

    Attributes:
        frames: Pictures of a clip.
        fps: Pictures a second.
        size: Side of a picture in pixels.
        keep_aspect_ratio: Whether test pictures are cut, or squeezed, into a square.
    """

    frames: int | None = None
    fps: float | None = None
    size: int | None = None
    keep_aspect_ratio: bool | None = None

    def __post_init__(self):
        for name in ("frames", "fps", "size"):
            value = getattr(self, name)
            require(value is None or value > 0, f"clip.{name}", value, "a number above 0, or null")


@dataclass(frozen=True)
class TestSettings:
    """Clips that a test recording is cut into.

    Attributes:
        dense_clips: Spread evenly over it; their mean class probability decides on its class.
        random_clips: At random starts, each classified by itself.
    """

    dense_clips: int = 10
    random_clips: int = 25

    def __post_init__(self):
        for name in ("dense_clips", "random_clips"):
            require(getattr(self, name) >= 1, f"test.{name}", getattr(self, name), "an integer of at least 1")


@dataclass(frozen=True)
class HeadOptimizerSettings(OptimizerSettings):
    """An optimiser that may train the classifier faster than the network.

    Attributes:
        head_learning_rate: Peak rate of the classifier; null takes ``learning_rate``.
    """

    head_learning_rate: float | None = None

    def __post_init__(self):
        super().__post_init__()
        rate = self.head_learning_rate
        require(rate is None or rate > 0, "optimizer.head_learning_rate", rate, "a number above 0, or null")


@dataclass(frozen=True)
class SquareSettings(ColorSettings):
    """Random changes to pictures that are squeezed into a square; see :class:`SquareAugmentation`."""

    def build(self, rules: PixelInput) -> SquareAugmentation:
        """Make the transform from raw frames to the pixels that ``rules`` describe."""
        return SquareAugmentation(
            size=rules.crop_size,
            side=rules.resize_size,
            mirror=self.mirror,
            brightness=self.brightness,
            contrast=self.contrast,
            saturation=self.saturation,
            hue=self.hue,
            mean=rules.image_mean,
            std=rules.image_std,
        )


@dataclass(frozen=True)
class Stage(RunSettings):
    """One training run of a protocol.

    Attributes:
        name: Recipe and stage.
        seed: Of the classifier's weights, dropout, order, windows and augmentation.
        data: How clips are read.
        augment: How they are changed.
        optimizer: How weights are moved.
        loop: How long.
        trained: "all", or "head" for the classifier alone.
        tower: "training", or "frozen" for a network that keeps the running statistics of its batch normalisation and
            does without dropout.
    """

    name: str
    seed: int
    data: ReadingSettings
    augment: ColorSettings
    loop: LoopSettings
    optimizer: HeadOptimizerSettings = field(default_factory=HeadOptimizerSettings)
    trained: Literal["all", "head"] = "all"
    tower: Literal["training", "frozen"] = "training"

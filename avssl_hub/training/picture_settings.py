"""The settings of random changes to pictures, which every kind of training shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..video.augment import ClipAugmentation
from ._recipe_error import require


class PixelRules(Protocol):
    """What a network's pixels are: the side of a square frame, and mean and deviation of each channel in [0, 1]."""

    crop_size: int
    image_mean: Sequence[float]
    image_std: Sequence[float]


@dataclass(frozen=True)
class ColorSettings:
    """How pictures are mirrored and coloured, each clip at random.

    Attributes:
        mirror: Probability of a mirror image.
        brightness: Strength of the colour jitter, as are the three that follow.
        contrast: Likewise.
        saturation: Likewise.
        hue: Largest turn of the colour circle, in turns.
    """

    mirror: float = 0.5
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.2

    def __post_init__(self):
        require(0 <= self.mirror <= 1, "augment.mirror", self.mirror, "a probability")
        require(0 <= self.hue <= 0.5, "augment.hue", self.hue, "0 to 0.5")
        for name in ("brightness", "contrast", "saturation"):
            require(getattr(self, name) >= 0, f"augment.{name}", getattr(self, name), "a number of at least 0")


@dataclass(frozen=True)
class PictureSettings(ColorSettings):
    """How pictures are changed, each clip at random; see :class:`avssl_hub.video.augment.ClipAugmentation`.

    Attributes:
        crop_area: Smallest and largest share of the picture a crop covers.
        grey: Probability of losing the colours.
        cutout: Side in pixels of a square that is blotted out; 0 for none.
    """

    crop_area: tuple[float, float] = (0.08, 1.0)
    grey: float = 0.0
    cutout: int = 0

    def __post_init__(self):
        super().__post_init__()
        require(0 <= self.grey <= 1, "augment.grey", self.grey, "a probability")
        require(self.cutout >= 0, "augment.cutout", self.cutout, "pixels of at least 0")
        low, high = self.crop_area
        require(0 < low <= high <= 1, "augment.crop_area", list(self.crop_area), "0 < smallest <= largest <= 1")

    def build(self, rules: PixelRules) -> ClipAugmentation:
        """Make the transform from raw frames to the pixels that ``rules`` describe.

        Raises:
            RecipeError: The square that is blotted out is larger than the picture.
        """
        require(self.cutout <= rules.crop_size, "augment.cutout", self.cutout, f"at most {rules.crop_size}")
        return ClipAugmentation(
            size=rules.crop_size,
            area=self.crop_area,
            mirror=self.mirror,
            brightness=self.brightness,
            contrast=self.contrast,
            saturation=self.saturation,
            hue=self.hue,
            grey=self.grey,
            cutout=self.cutout,
            mean=rules.image_mean,
            std=rules.image_std,
        )

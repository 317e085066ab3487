"""Random changes to clips for training: crop, mirror image and colour jitter (AVID section 5.3, "msc+color").

What happens to a clip is drawn first and applied afterwards, so that all its frames share it. The draws follow
torchvision's ``RandomResizedCrop`` and ``ColorJitter`` value by value, the colours their floating-point formulas.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..errors import InvalidValueError, explain
from .transforms import resize

ATTEMPTS = 10
GREY_WEIGHTS = (0.2989, 0.587, 0.114)


@dataclass(frozen=True)
class Jitter:
    """A change of colours.

    Attributes:
        order: The operations by name, in the order in which they are applied.
        brightness: Factor; 1 changes nothing.
        contrast: Factor on the distance from each frame's mean grey.
        saturation: Factor on the distance from each pixel's grey.
        hue: Turn of the colour circle, in turns, from -0.5 to 0.5.
    """

    order: tuple[str, ...]
    brightness: float
    contrast: float
    saturation: float
    hue: float


@dataclass(frozen=True)
class ClipChanges:
    """What happens to all frames of one clip.

    Attributes:
        crop: Its part of the picture: top, left, height, width.
        mirrored: Whether it is mirrored.
        jitter: The change of colours.
        grey: Whether it loses its colours after that.
        hole: Place of the part of the result that is blotted out: top, left, height, width.
    """

    crop: tuple[int, int, int, int]
    mirrored: bool
    jitter: Jitter
    grey: bool = False
    hole: tuple[int, int, int, int] = (0, 0, 0, 0)


def _uniform(low: float, high: float, generator: torch.Generator | None) -> float:
    return torch.empty(1).uniform_(low, high, generator=generator).item()


def sample_crop(
    height: int,
    width: int,
    generator: torch.Generator | None = None,
    area: tuple[float, float] = (0.08, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
) -> tuple[int, int, int, int]:
    """Draw a part of the picture: ten tries, then the largest central part of an allowed shape.

    Args:
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        generator: Source of randomness, on the CPU.
        area: Smallest and largest share of the picture.
        aspect: Smallest and largest width / height; uniform in the logarithm.

    Returns:
        Top, left, height, width in pixels.
    """
    low, high = torch.log(torch.tensor(aspect)).tolist()
    for _ in range(ATTEMPTS):
        pixels = height * width * _uniform(*area, generator)
        ratio = math.exp(_uniform(low, high, generator))
        crop_width, crop_height = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        if 0 < crop_width <= width and 0 < crop_height <= height:
            top = torch.randint(0, height - crop_height + 1, (1,), generator=generator).item()
            left = torch.randint(0, width - crop_width + 1, (1,), generator=generator).item()
            return top, left, crop_height, crop_width
    crop_height = min(height, round(width / aspect[0]))
    crop_width = min(width, round(height * aspect[1]))
    return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width


def sample_jitter(
    generator: torch.Generator | None = None,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.2,
) -> Jitter:
    """Draw a change of colours: factors from ``1 ± strength`` but at least 0, hue from ``± hue``, a random order.

    Args:
        generator: Source of randomness, on the CPU.
        brightness: Strength; likewise ``contrast`` and ``saturation``.
        contrast: Strength.
        saturation: Strength.
        hue: Largest turn of the colour circle, in turns.
    """
    names = ("brightness", "contrast", "saturation", "hue")
    order = tuple(names[index] for index in torch.randperm(len(names), generator=generator).tolist())
    factors = [_uniform(max(0.0, 1 - s), 1 + s, generator) for s in (brightness, contrast, saturation)]
    return Jitter(order, *factors, _uniform(-hue, hue, generator))


def _planes(frames: torch.Tensor) -> torch.Tensor:
    """Turn uint8 ``(..., H, W, 3)`` into floats ``(..., 3, H, W)`` in [0, 1]."""
    # Planes of one channel each are what makes the colour arithmetic fast.
    return frames.movedim(-1, -3).to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def _grey(rgb: torch.Tensor) -> torch.Tensor:
    red, green, blue = rgb.unbind(-3)
    weights = GREY_WEIGHTS
    return (red * weights[0]).add_(green, alpha=weights[1]).add_(blue, alpha=weights[2]).unsqueeze(-3)


def adjust_brightness_(rgb: torch.Tensor, factor: float | torch.Tensor) -> torch.Tensor:
    """Scale ``(..., 3, H, W)`` in [0, 1] by ``factor``, in place; clamped to [0, 1], as in the next two functions."""
    return rgb.mul_(factor).clamp_(0, 1)


def adjust_contrast_(rgb: torch.Tensor, factor: float | torch.Tensor) -> torch.Tensor:
    """Scale the distance of ``(..., 3, H, W)`` from each frame's mean grey by ``factor``, in place."""
    grey = _grey(rgb.mean((-2, -1), keepdim=True))
    return torch.lerp(grey, rgb, factor, out=rgb).clamp_(0, 1)


def adjust_saturation_(rgb: torch.Tensor, factor: float | torch.Tensor) -> torch.Tensor:
    """Scale the distance of ``(..., 3, H, W)`` from each pixel's grey by ``factor``, in place."""
    return torch.lerp(_grey(rgb), rgb, factor, out=rgb).clamp_(0, 1)


def adjust_hue_(rgb: torch.Tensor, turn: float | torch.Tensor) -> torch.Tensor:
    """Turn the colour circle of ``(..., 3, H, W)`` by ``turn``, keeping HSV value and saturation, in place."""
    red, green, blue = rgb.unbind(-3)
    lowest = torch.minimum(torch.minimum(red, green), blue)
    chroma = torch.maximum(torch.maximum(red, green), blue).sub_(lowest)
    # On a circle of six, hue lies 1 + (green + blue - red - lowest) / chroma away from red, towards green if there is
    # more of it than of blue. Choosing by the largest channel, as usual, costs three times as much.
    distance = (green + blue).sub_(red).sub_(lowest)
    # A grey pixel divides 0 by this; its hue does not matter.
    distance.div_(chroma.clamp_min(1e-30)).add_(1)
    hue = distance.copysign_(green - blue).add_(6 * turn)
    # The remainder by way of floor, for the operator is slow.
    hue.sub_((hue / 6).floor_(), alpha=6)
    # How far each channel rises from the lowest value to the highest is a trapezium around the circle: for red
    # clamp(|hue - 3| - 1, 0, 1), for the others clamp(2 - |hue - centre|, 0, 1), here with both signs turned.
    for channel, centre, offset, low, sign in ((red, 3, 1, 0, 1), (green, 2, 2, -1, -1), (blue, 4, 2, -1, -1)):
        rise = torch.sub(hue, centre, out=channel).abs_().sub_(offset).clamp_(low, low + 1)
        torch.addcmul(lowest, chroma, rise, value=sign, out=channel)
    return rgb


_ADJUST = {
    "brightness": adjust_brightness_,
    "contrast": adjust_contrast_,
    "saturation": adjust_saturation_,
    "hue": adjust_hue_,
}


def apply_jitter_(rgb: torch.Tensor, jitter: Jitter) -> torch.Tensor:
    """Change the colours of float ``(..., 3, H, W)`` in [0, 1] in place, frame by frame alike."""
    for name in jitter.order:
        _ADJUST[name](rgb, getattr(jitter, name))
    return rgb


def apply_jitters_(rgb: torch.Tensor, jitters: Sequence[Jitter]) -> torch.Tensor:
    """Change the colours of B clips ``(B, T, 3, H, W)`` in place, each by its own jitter.

    Clips whose turn it is for the same operation are changed together: few large steps, as a GPU likes them.
    """
    for place in range(len(_ADJUST)):
        for name, adjust in _ADJUST.items():
            chosen = [number for number, jitter in enumerate(jitters) if jitter.order[place] == name]
            if not chosen:
                continue
            values = rgb.new_tensor([getattr(jitters[number], name) for number in chosen])[:, None, None, None]
            # Hue takes the planes of one channel, without the channels' dimension.
            values = values if name == "hue" else values[..., None]
            rgb[chosen] = adjust(rgb[chosen], values)
    return rgb


def _blotted(pixels: torch.Tensor, changes: ClipChanges) -> torch.Tensor:
    """Set the hole of standardised ``(T, 3, H, W)`` to the mean colour, in place."""
    top, left, height, width = changes.hole
    pixels[..., top : top + height, left : left + width] = 0
    return pixels


@dataclass(frozen=True)
class ClipAugmentation:
    """AVID's training transform, from a reader's frames to the model's pixels.

    Runs on the device of the frames; randomness comes from the CPU. The defaults are the paper's, fine-tuning on
    HMDB-51 sets ``brightness``, ``contrast`` and ``saturation`` to 1.

    Args:
        size: Side of the result in pixels.
        area: Smallest and largest share of the picture that a crop covers.
        aspect: Smallest and largest width / height of a crop.
        mirror: Probability of a mirror image.
        brightness: Strength of the jitter; see ``sample_jitter``.
        contrast: Strength of the jitter.
        saturation: Strength of the jitter.
        hue: Largest turn of the colour circle, in turns.
        grey: Probability of losing the colours, after the jitter.
        cutout: Side in pixels of a square of the result that is blotted out with the mean colour; 0 for none.
        mean: Mean of each channel, of values in [0, 1], for the final standardisation.
        std: Standard deviation of each channel.
    """

    size: int = 224
    area: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    mirror: float = 0.5
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.2
    grey: float = 0.0
    cutout: int = 0
    mean: Sequence[float] = (0.485, 0.456, 0.406)
    std: Sequence[float] = (0.229, 0.224, 0.225)

    def sample(self, height: int, width: int, generator: torch.Generator | None = None) -> ClipChanges:
        """Draw what happens to one clip of ``height`` by ``width`` pixels."""
        return self.completed(sample_crop(height, width, generator, self.area, self.aspect), generator)

    def completed(self, crop: tuple[int, int, int, int], generator: torch.Generator | None) -> ClipChanges:
        """Draw what else happens to a clip of which ``crop`` was chosen."""
        mirrored = torch.rand(1, generator=generator).item() < self.mirror
        jitter = sample_jitter(generator, self.brightness, self.contrast, self.saturation, self.hue)
        # Drawn only where asked for, so that what follows in the generator does not move.
        grey = self.grey > 0 and torch.rand(1, generator=generator).item() < self.grey
        hole = (0, 0, 0, 0)
        if self.cutout:
            places = torch.randint(0, self.size - self.cutout + 1, (2,), generator=generator).tolist()
            hole = (*places, self.cutout, self.cutout)
        return ClipChanges(crop, mirrored, jitter, grey, hole)

    def apply(self, frames: torch.Tensor, changes: ClipChanges) -> torch.Tensor:
        """Transform uint8 ``(T, H, W, 3)`` by given ``changes`` to float ``(T, 3, size, size)``."""
        frames = self.cropped(frames, changes)
        pixels = frames.new_empty((len(frames), 3, self.size, self.size), dtype=torch.float32)
        # A frame at a time, the planes stay in the CPU's cache, and memory is reused instead of being mapped anew.
        at_once = 1 if frames.device.type == "cpu" else len(frames)
        mean, std = (torch.tensor(values, device=frames.device)[:, None, None] for values in (self.mean, self.std))
        for part, target in zip(frames.split(at_once), pixels.split(at_once)):
            coloured = apply_jitter_(_planes(part), changes.jitter)
            if changes.grey:
                adjust_saturation_(coloured, 0.0)
            torch.sub(coloured, mean, out=target).div_(std)
        return _blotted(pixels, changes)

    def cropped(self, frames: torch.Tensor, changes: ClipChanges) -> torch.Tensor:
        """Crop, resize and mirror uint8 ``(T, H, W, 3)``."""
        top, left, height, width = changes.crop
        frames = resize(frames[:, top : top + height, left : left + width], self.size, keep_aspect_ratio=False)
        return frames.flip(2) if changes.mirrored else frames

    def apply_all(self, clips: Sequence[torch.Tensor], changes: Sequence[ClipChanges]) -> list[torch.Tensor]:
        """Transform clips of one device, each as ``apply`` does, together where that is faster: on a GPU."""
        if clips[0].device.type == "cpu" or len({len(clip) for clip in clips}) > 1:
            return [self.apply(*pair) for pair in zip(clips, changes)]
        planes = _planes(torch.stack([self.cropped(*pair) for pair in zip(clips, changes)]))
        mean, std = (planes.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        apply_jitters_(planes, [change.jitter for change in changes])
        for clip, change in zip(planes, changes):
            if change.grey:
                adjust_saturation_(clip, 0.0)
        return [_blotted(clip, change) for clip, change in zip(planes.sub_(mean).div_(std), changes)]

    def __call__(
        self, frames: torch.Tensor | Sequence[torch.Tensor], generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Transform one clip, or a batch in which each clip has changes of its own.

        Args:
            frames: uint8 ``(T, H, W, 3)``, ``(B, T, H, W, 3)``, or a list of clips of any height and width.
            generator: Source of randomness, on the CPU.

        Returns:
            Float ``(T, 3, size, size)`` or ``(B, T, 3, size, size)``, standardised.

        Raises:
            InvalidValueError: A clip is of another type or shape.
        """
        if not isinstance(frames, torch.Tensor) or frames.ndim == 5:
            return torch.stack([self(clip, generator) for clip in frames])
        if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
            got = f"{str(frames.dtype).removeprefix('torch.')} of shape {tuple(frames.shape)}"
            expected = "uint8 frames of shape (time, height, width, 3), at least one"
            raise InvalidValueError(explain("clip to augment", got, expected))
        return self.apply(frames, self.sample(*frames.shape[1:3], generator))

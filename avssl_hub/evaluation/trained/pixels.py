"""What a network's pixels are, so that training can make them from raw frames by transforms of its own."""

from typing import NamedTuple

from ...errors import InvalidValueError, explain
from ..encoder import Encoder


class PixelInput(NamedTuple):
    """The picture input of a network.

    Attributes:
        name: Under which the network takes it.
        frames: Pictures of a clip.
        crop_size: Side of a picture in pixels.
        resize_size: Side of the picture it is cut from.
        image_mean: Mean of each channel, of values in [0, 1].
        image_std: Standard deviation of each channel.
    """

    name: str
    frames: int
    crop_size: int
    resize_size: int
    image_mean: tuple[float, ...]
    image_std: tuple[float, ...]

    @classmethod
    def of(cls, encoder: Encoder) -> "PixelInput":
        """Find out what an encoder prepares.

        Raises:
            InvalidValueError: It is not square frames ``(N, T, 3, H, W)``, or it is not known how they are scaled.
        """
        shapes = {name: tuple(value.shape) for name, value in encoder.blank("video").items()}
        name, shape = next(iter(shapes.items()))
        what = f"pixels of {type(encoder).__name__} to train on"
        if len(shapes) > 1 or len(shape) != 5 or shape[2] != 3 or shape[3] != shape[4]:
            raise InvalidValueError(explain(what, shapes, "one input (1, time, 3, side, side)"))
        mean, std = (getattr(encoder.processor, name, None) for name in ("image_mean", "image_std"))
        if mean is None or std is None:
            rule = "an encoder whose processor has image_mean and image_std"
            raise InvalidValueError(explain(what, f"a {type(encoder.processor).__name__}", rule))
        resized = getattr(encoder.processor, "resize_size", shape[3])
        return cls(name, shape[1], shape[3], resized, tuple(mean), tuple(std))

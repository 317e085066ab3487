"""Where one looks in films of 360 degrees, and what is told of them in place of what they say of themselves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import InvalidValueError, explain
from ..models.avsa import AvsaProcessor
from ..video.views import Views
from ._sphere_source import VideoLayout, check_channels


@dataclass(frozen=True)
class Look360:
    """How a model that compares views looks at films of 360 degrees.

    Attributes:
        num_views: Views of a window, evenly around the horizon from the front to the left; by default as many as the
            processor says.
        directions: Azimuth and elevation of each view in radians, left and up positive, in the place of those.
        width: Angle in radians from the left to the right edge of the views, which are square; by default the
            processor's.
        projection: ``"equirectangular"``, ``"cubemap"`` or ``"eac"`` (YouTube's); by default what the film says, and
            equirectangular if it says nothing and the picture is twice as wide as high.
        stereo: ``"mono"``, ``"top-bottom"``, ``"left-right"`` or ``"right-left"``, of which the left eye's picture is
            seen; by default what the film says, or mono.
        channels: Which channels of the sound are W, Y, Z and X; by default metadata tell, or else the codec.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
        UnknownNameError: There is no such projection or stereo.
    """

    num_views: int | None = None
    directions: Sequence[tuple[float, float]] | None = None
    width: float | None = None
    projection: str | None = None
    stereo: str | None = None
    channels: Sequence[int] | None = None

    def __post_init__(self) -> None:
        # A view as wide as the picture, in its own plane.
        widest = 2 * math.atan(math.pi)
        looks = self.directions
        rules = {
            "num_views": (
                self.num_views is None or (self.num_views > 0 and looks is None),
                "a positive number, and none beside directions",
            ),
            "directions": (
                looks is None or (len(looks) > 0 and all(abs(up) <= math.pi / 2 for _, up in looks)),
                "at least one, each with an elevation from -pi/2 to pi/2",
            ),
            "width": (
                self.width is None or 0 < self.width <= widest,
                f"an angle above 0 and up to {widest:.3f} radians ({math.degrees(widest):.0f} degrees)",
            ),
        }
        for field, (holds, rule) in rules.items():
            if not holds:
                raise InvalidValueError(explain(f"Look360.{field}", getattr(self, field), rule))
        check_channels(self.channels)
        _ = self.layout  # refuses unknown names

    @property
    def layout(self) -> VideoLayout:
        """What is told of the picture."""
        return VideoLayout(self.projection, self.stereo)

    def applied(self, processor: AvsaProcessor) -> AvsaProcessor:
        """Return a processor that looks so around the horizon."""
        changes = {"num_views": self.num_views}
        if self.width is not None:
            changes["view_width"] = math.tan(self.width / 2) / math.pi
        told = {name: value for name, value in changes.items() if value is not None}
        return type(processor).from_dict({**processor.to_dict(), **told})

    def views(self, processor: AvsaProcessor) -> Views:
        """Return the views ``(K, 4)`` of every window."""
        if self.directions is None:
            return processor.around_horizon()
        azimuth, elevation = torch.tensor(self.directions, dtype=torch.float64).T
        half = torch.full_like(azimuth, math.pi * processor.view_width)
        return Views.facing(azimuth, elevation, half, half)

    def told(self) -> dict[str, Any]:
        """What of this a processor does not say, as JSON has it."""
        looks = self.directions
        degrees = None if looks is None else [[math.degrees(angle) for angle in look] for look in looks]
        channels = None if self.channels is None else list(self.channels)
        return {
            "directions_degrees": degrees,
            "projection": self.projection,
            "stereo": self.stereo,
            "channels": channels,
        }

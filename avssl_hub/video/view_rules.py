"""Where views are cut: the rules by which AVSA draws them at random, as released and as its paper says."""

import math
from dataclasses import dataclass, replace

import torch

from ..errors import InvalidValueError, explain
from .views import Views

# Views that keep their distance are drawn one after the other; where so many in a row do not fit, all are drawn again.
_TRIES, _RESTARTS = 100, 20


@dataclass(frozen=True)
class ViewRules:
    """How the views of a clip are drawn. The defaults are those of the released training.

    Centres are uniform in azimuth and in elevation, widths uniform in degrees, shapes in the logarithm.

    Args:
        count: Views of a clip.
        elevation_degrees: Lowest and highest centre.
        width_degrees: Least and greatest angle from the left to the right edge.
        aspect: Least and greatest height of a view for its width.
        apart_degrees: Least angle between the centres of a clip. The released code has 36 for it, and never looks.
        true_widths: Whether views cover the angles they are said to. The released code takes half the angle in radians
            for its tangent, so that 90 degrees come to 76.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """

    count: int = 4
    elevation_degrees: tuple[float, float] = (-28.8, 30.6)
    width_degrees: tuple[float, float] = (25.452, 90.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    apart_degrees: float = 0.0
    true_widths: bool = False

    def __post_init__(self) -> None:
        low, high = self.elevation_degrees
        least, most = self.width_degrees
        rules = {
            "count": (self.count >= 1, "at least 1"),
            "elevation_degrees": (-90 <= low <= high <= 90, "two angles from -90 to 90, the lower one first"),
            "width_degrees": (0 < least <= most < 180, "two angles between 0 and 180, the smaller one first"),
            "aspect": (0 < self.aspect[0] <= self.aspect[1], "two numbers above 0, the smaller one first"),
            "apart_degrees": (0 <= self.apart_degrees < 180, "an angle from 0 to below 180"),
        }
        for field, (holds, rule) in rules.items():
            if not holds:
                raise InvalidValueError(explain(f"ViewRules.{field}", getattr(self, field), rule))

    @classmethod
    def paper(cls, **changes) -> "ViewRules":
        """Rules as the paper words them: centres within 60 degrees of the horizon and 36 apart, true widths."""
        wording = cls(elevation_degrees=(-60.0, 60.0), width_degrees=(25.0, 90.0), apart_degrees=36.0, true_widths=True)
        return replace(wording, **changes)

    def sample(self, height: int, width: int, generator: torch.Generator | None = None) -> Views:
        """Draw the views ``(count, 4)`` of a clip whose frames have this height and width.

        Args:
            height: Height of the frames in pixels.
            width: Width in pixels.
            generator: Source of randomness, on the CPU.

        Raises:
            InvalidValueError: So many views so far apart are not to be had.
        """
        centres = self._centres(generator)
        angles = torch.deg2rad(self._uniform(self.width_degrees, generator, self.count))
        half_width = (angles / 2).tan() if self.true_widths else angles / 2
        logarithms = (math.log(self.aspect[0]), math.log(self.aspect[1]))
        # The released rule takes shares of the picture's height and width for each other in pixels.
        shape = self._uniform(logarithms, generator, self.count).exp() * width / (2 * height)
        return Views.facing(*centres.unbind(-1), half_width, shape * half_width)

    def _uniform(self, bounds: tuple[float, float], generator: torch.Generator | None, count: int = 1) -> torch.Tensor:
        low, high = bounds
        return low + (high - low) * torch.rand(count, dtype=torch.float64, generator=generator)

    def _centres(self, generator: torch.Generator | None) -> torch.Tensor:
        """Draw azimuths and elevations ``(count, 2)`` in radians."""
        elevations = tuple(map(math.radians, self.elevation_degrees))
        closest = math.cos(math.radians(self.apart_degrees))
        for _ in range(_RESTARTS):
            kept, failed = [], 0
            while failed < _TRIES:
                azimuth = self._uniform((-math.pi, math.pi), generator).item()
                centre = azimuth, self._uniform(elevations, generator).item()
                if all(_cosine(centre, other) <= closest for other in kept):
                    kept, failed = [*kept, centre], 0
                else:
                    failed += 1
                if len(kept) == self.count:
                    return torch.tensor(kept, dtype=torch.float64)
        got = f"{self.count} views at least {self.apart_degrees:g} degrees apart"
        low, high = self.elevation_degrees
        rule = f"as many as fit between {low:g} and {high:g} degrees of elevation"
        raise InvalidValueError(explain("drawing views", got, rule, "Lower count or apart_degrees."))


def _cosine(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Cosine of the angle between two directions, each azimuth and elevation."""
    level = math.cos(first[1]) * math.cos(second[1])
    return math.sin(first[1]) * math.sin(second[1]) + level * math.cos(first[0] - second[0])

"""What was found of how a 360° film's sound lies to its picture."""

import math
from dataclasses import dataclass

import torch

# Angles so close are taken for the same answer.
NEAR = math.radians(30)


@dataclass(frozen=True)
class Orientation:
    """How well a film's sound fits its picture, in N windows, when it is turned by Y angles about the vertical.

    Attributes:
        file: Name of the film.
        start: float64 ``(N,)``, start of each window in seconds on the picture's clock.
        end: float64 ``(N,)``, end of each; the film's end where that cuts it short.
        yaws: float64 ``(Y,)``, radians by which the sound is turned to the left, counter-clockwise seen from above;
            rising from -pi.
        window_scores: float32 ``(N, Y)``, higher fits better; NaN for windows that could not be compared.
        reason: Why not, of each window; empty where it was.
        notes: What was taken for granted of the film.
    """

    file: str
    start: torch.Tensor
    end: torch.Tensor
    yaws: torch.Tensor
    window_scores: torch.Tensor
    reason: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.reason)

    @property
    def compared(self) -> torch.Tensor:
        """The scores of the windows that could be compared, ``(M, Y)``."""
        return self.window_scores[~self.window_scores.isnan().any(1)]

    @property
    def scores(self) -> torch.Tensor:
        """Mean over the windows, ``(Y,)``."""
        return self.compared.mean(0)

    @property
    def spread(self) -> torch.Tensor:
        """Standard deviation over the windows, ``(Y,)``."""
        return self.compared.std(0, correction=0)

    @property
    def score(self) -> float:
        """The score of the sound as it is."""
        return self.scores[self.yaws.abs().argmin()].item()

    @property
    def best_yaw(self) -> float:
        """The angle with the best score in radians, of equal ones the smallest.

        At ``+pi/2`` the sound fits the picture when it is turned by 90 degrees to the left: what is heard ahead
        belongs to what is seen on the left.
        """
        scores = self.scores
        best = self.yaws[scores == scores.max()]
        return best[best.abs().argmin()].item()

    @property
    def aligned(self) -> bool:
        """Whether the sound fits best as it is."""
        return self.best_yaw == 0

    @property
    def margin(self) -> float:
        """How much better the best angle is than any that is more than 30 degrees away; NaN if there is none."""
        far = self.scores[self._away() > NEAR + 1e-6]
        return (self.scores.max() - far.max()).item() if len(far) else math.nan

    @property
    def agreeing(self) -> int:
        """Windows that by themselves find an angle within 30 degrees of the best one."""
        near = self.compared[:, self._away() <= NEAR + 1e-6]
        return int((near.amax(1) == self.compared.amax(1)).sum())

    @property
    def agreeing_by_chance(self) -> float:
        """How many would if each found any angle."""
        return len(self.compared) * (self._away() <= NEAR + 1e-6).double().mean().item()

    @property
    def sure(self) -> bool:
        """Whether more windows agree than by chance, by over two standard deviations.

        The windows of a still scene repeat each other, though, and what misleads the network in one does in all.
        """
        count, mean = len(self.compared), self.agreeing_by_chance
        return self.agreeing > mean + 2 * math.sqrt(mean * (1 - mean / count))

    def _away(self) -> torch.Tensor:
        """Angle between each yaw and the best one."""
        return ((self.yaws - self.best_yaw + math.pi).remainder(math.tau) - math.pi).abs()

"""How far two ambisonic sounds are apart in where they come from: the earth mover's distance of their power maps."""

from functools import cache
from typing import NamedTuple

from torch import Tensor

from ...audio.ambisonics import angle_between, picture_grid, power_map, unit_vectors
from .earth_mover import earth_movers_distance

LEAST_SUM = 0.01


class DirectionDistance(NamedTuple):
    """Earth mover's distances ``(...)``, in radians times amplitude and in radians.

    Attributes:
        energy: Of the maps, over the number of their nodes: EMD as published, ``emd/dir``.
        direction: Of the maps, each over its own sum raised by 0.01: ``emd/dir2``.
    """

    energy: Tensor
    direction: Tensor


def direction_distance(predicted: Tensor, target: Tensor, resolution_degrees: float = 30) -> DirectionDistance:
    """Compare first-order sounds by their root mean square towards each direction of a grid.

    Nodes of the grid count alike, whatever area they stand for, and those of a pole, which coincide, one by one, as in
    the authors' evaluation. Distances between nodes are angles.

    Args:
        predicted: ``(..., 4, samples)``: W, Y, Z, X. The authors give it the true W.
        target: Of the same shape.
        resolution_degrees: Step of the grid; it divides 180.

    Raises:
        InvalidValueError: A shape does not fit, a value is not finite, or the step does not divide 180 degrees.
    """
    azimuth, elevation = picture_grid(resolution_degrees)
    maps = [power_map(sound.double(), azimuth, elevation).flatten(-2) for sound in (predicted, target)]
    distances = _angles(resolution_degrees)
    energy = earth_movers_distance(*(each / len(distances) for each in maps), distances)
    shares = (each / (each.sum(-1, keepdim=True) + LEAST_SUM) for each in maps)
    return DirectionDistance(energy, earth_movers_distance(*shares, distances))


@cache
def _angles(resolution_degrees: float) -> Tensor:
    nodes = unit_vectors(*(angle.flatten() for angle in picture_grid(resolution_degrees)))
    return angle_between(nodes[:, None], nodes)

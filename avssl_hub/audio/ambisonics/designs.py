"""Spherical t-designs: points whose plain mean of any polynomial up to degree t is its mean over the sphere."""

from functools import cache
from itertools import permutations, product
from math import sqrt

import numpy as np
import torch

from ...errors import InvalidValueError, explain


def t_design(degree: int) -> torch.Tensor:
    """Give the smallest design here of at least a degree.

    Tetrahedron (4 points, degree 2), octahedron (6, degree 3), icosahedron (12, degree 5) and McLaren's improved snub
    cube (24, degree 7).

    Args:
        degree: 1 to 7; ambisonics of order N need 2N for re-encoding to give back what was decoded.

    Returns:
        Unit vectors ``(points, 3)``, float64.

    Raises:
        InvalidValueError: ``degree`` is out of range.
    """
    for known, points in _DESIGNS.items():
        if 1 <= degree <= known:
            return torch.tensor(points(), dtype=torch.float64)
    raise InvalidValueError(explain("degree of a t-design", degree, f"a whole number from 1 to {max(_DESIGNS)}"))


def _tetrahedron() -> list[tuple[float, ...]]:
    side = 1 / sqrt(3)
    return [(side, side, side), (-side, -side, side), (-side, side, -side), (side, -side, -side)]


def _octahedron() -> list[tuple[float, ...]]:
    return [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]


def _icosahedron() -> list[tuple[float, ...]]:
    golden = (1 + sqrt(5)) / 2
    length = sqrt(1 + golden**2)
    corners = [(0.0, first / length, second * golden / length) for first, second in product((1, -1), repeat=2)]
    return [corner[shift:] + corner[:shift] for shift in range(3) for corner in corners]


@cache
def _snub_cube() -> list[tuple[float, ...]]:
    # The rotations of a cube leave few polynomials unchanged. The mean over an orbit is right up to degree 7 when the
    # squares of a point's coordinates satisfy sum p = 1, sum p^2 = 3/5 and their product is 1/105: these roots.
    sides = np.sqrt(np.roots([1, -1, 1 / 5, -1 / 105]).real)
    points = []
    for places in permutations(range(3)):
        odd = sum(places[i] > places[j] for i in range(3) for j in range(i + 1, 3)) % 2
        for signs in product((1, -1), repeat=3):
            if np.prod(signs) == (-1) ** odd:
                points.append(tuple(float(sign * sides[place]) for sign, place in zip(signs, places)))
    return points


_DESIGNS = {2: _tetrahedron, 3: _octahedron, 5: _icosahedron, 7: _snub_cube}

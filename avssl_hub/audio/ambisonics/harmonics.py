"""Real spherical harmonics, as polynomials of the direction's unit vector: smooth everywhere, the poles included."""

from functools import cache
from math import factorial, sqrt

import torch

from .conventions import AMBIX, Convention, check_order
from .directions import unit_vectors


def spherical_harmonics(
    azimuth: torch.Tensor | float,
    elevation: torch.Tensor | float,
    order: int = 1,
    ordering: str = "acn",
    normalization: str = "sn3d",
) -> torch.Tensor:
    """Evaluate all harmonics up to an order in some directions.

    Args:
        azimuth: ``(...)`` in radians, left positive.
        elevation: ``(...)`` in radians, up positive.
        order: Highest degree, 0 to 3.
        ordering: Sequence of the channels, see ``Convention``.
        normalization: Scale of the channels, see ``Convention``.

    Returns:
        ``(..., (order + 1) ** 2)``; first order in the defaults is 1, sin a cos e, sin e, cos a cos e.

    Raises:
        InvalidValueError: ``order`` is out of range.
        UnknownNameError: ``ordering`` or ``normalization`` is.
    """
    vectors = unit_vectors(torch.as_tensor(azimuth), torch.as_tensor(elevation))
    return harmonics_of(vectors, order, Convention(ordering, normalization))


def harmonics_of(vectors: torch.Tensor, order: int, convention: Convention = AMBIX) -> torch.Tensor:
    """Evaluate all harmonics up to an order at unit vectors ``(..., 3)``; see ``spherical_harmonics``."""
    check_order(order)
    x, y, z = vectors.unbind(-1)
    # cos(m a) cos(e)^m and sin(m a) cos(e)^m are real and imaginary part of (x + iy)^m.
    cosines, sines = [torch.ones_like(x)], [torch.zeros_like(x)]
    for _ in range(order):
        cosines.append(x * cosines[-1] - y * sines[-1])
        sines.append(x * sines[-1] + y * cosines[-2])
    legendre = _reduced_legendre(z, order)
    channels = []
    for n, m in convention.degrees_and_orders(order):
        scale = sqrt((2 - (m == 0)) * factorial(n - abs(m)) / factorial(n + abs(m)))
        around = sines[-m] if m < 0 else cosines[m]
        channels.append(scale * legendre[n, abs(m)] * around)
    return torch.stack(channels, -1) * vectors.new_tensor(convention.factors(order))


def _reduced_legendre(z: torch.Tensor, order: int) -> dict[tuple[int, int], torch.Tensor]:
    """Associated Legendre functions without the Condon-Shortley sign, divided by ``cos(e)^m``, by ``(n, m)``."""
    values = {}
    for m in range(order + 1):
        values[m, m] = torch.full_like(z, float(_double_factorial(2 * m - 1)))
        if m < order:
            values[m + 1, m] = (2 * m + 1) * z * values[m, m]
        for n in range(m + 2, order + 1):
            values[n, m] = ((2 * n - 1) * z * values[n - 1, m] - (n + m - 1) * values[n - 2, m]) / (n - m)
    return values


@cache
def _double_factorial(number: int) -> int:
    return 1 if number < 2 else number * _double_factorial(number - 2)

"""Orders and scales in which ambisonic channels come, and the way from one to another.

A channel is named by its degree ``n`` and its order ``m``; harmonics of ``m < 0`` go with the sine of the azimuth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial, pi, sqrt

import torch

from ...errors import InvalidValueError, explain, unknown_name

HIGHEST_ORDER = 3

# W, Y, Z and X, with which sounds of higher order begin too.
FIRST_ORDER_CHANNELS = 4

# Number of channels of a full sphere, and its order.
FULL_SPHERES = {(order + 1) ** 2: order for order in range(1, HIGHEST_ORDER + 1)}


def _inwards(n: int) -> list[int]:
    return [m for k in range(n, 0, -1) for m in (k, -k)] + [0]


def _outwards(n: int) -> list[int]:
    return [0] + [m for k in range(1, n + 1) for m in (k, -k)]


# The orders m of degree n, in sequence. The authors' code has two tables for SID: the usual one, and another, with
# which it builds harmonics.
ORDERINGS: dict[str, Callable[[int], list[int]]] = {
    "acn": lambda n: list(range(-n, n + 1)),
    "furse_malham": lambda n: _inwards(n) if n == 1 else _outwards(n),
    "sid": _inwards,
    "sid_released": _outwards,
}

# By (n, |m|), relative to SN3D: every harmonic peaks at 1, except W, which is 1/sqrt(2).
_FUMA = {
    (0, 0): 1 / sqrt(2),
    (1, 0): 1.0,
    (1, 1): 1.0,
    (2, 0): 1.0,
    (2, 1): 2 / sqrt(3),
    (2, 2): 2 / sqrt(3),
    (3, 0): 1.0,
    (3, 1): sqrt(45 / 32),
    (3, 2): 3 / sqrt(5),
    (3, 3): sqrt(8 / 5),
}


def _sn3d(n: int, m: int) -> float:
    """What SN3D multiplies the associated Legendre function with, without the Condon-Shortley sign."""
    return sqrt((2 - (m == 0)) * factorial(n - m) / factorial(n + m))


def _released_maxn(n: int, m: int) -> float:
    # The authors' table stands in the place of SN3D's factor, not beside it, so peaks are 1 only up to first order.
    return (3 / sqrt(5) if (n, m) == (3, 3) else _FUMA[n, m]) / _sn3d(n, m)


# By (n, |m|), relative to SN3D.
NORMALIZATIONS: dict[str, Callable[[int, int], float]] = {
    "sn3d": lambda n, m: 1.0,
    "n3d": lambda n, m: sqrt(2 * n + 1),
    "orthonormal": lambda n, m: sqrt((2 * n + 1) / (4 * pi)),
    "fuma": lambda n, m: _FUMA[n, m],
    "maxn_released": _released_maxn,
}


@dataclass(frozen=True)
class Convention:
    """How the channels of an ambisonic sound are ordered and scaled.

    Attributes:
        ordering: ``"acn"`` (W, Y, Z, X, ...), ``"furse_malham"`` (W, X, Y, Z, R, S, T, U, V, ...), ``"sid"``
            (W, X, Y, Z, U, V, S, T, R, ...), or ``"sid_released"``, the other table the authors' code has for SID.
        normalization: ``"sn3d"``; ``"n3d"``, louder by ``sqrt(2n + 1)``, W as it is; ``"orthonormal"``, that divided
            by ``sqrt(4 pi)``, so that W is 0.2821: the authors' code calls this one N3D; ``"fuma"``, peaks of 1 but
            W times ``1/sqrt(2)``; or ``"maxn_released"``, what the authors' code calls MaxN, which is FuMa's only up
            to first order.

    Raises:
        UnknownNameError: A name is none of these.
    """

    ordering: str = "acn"
    normalization: str = "sn3d"

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("channel ordering", self.ordering, ORDERINGS),
            ("normalization", self.normalization, NORMALIZATIONS),
        ):
            if name not in known:
                raise unknown_name(kind, name, known)

    def degrees_and_orders(self, order: int) -> list[tuple[int, int]]:
        """Degree and order ``(n, m)`` of every channel up to an ambisonic order."""
        check_order(order)
        return [(n, m) for n in range(order + 1) for m in ORDERINGS[self.ordering](n)]

    def acn_indices(self, order: int) -> list[int]:
        """The ACN index ``n(n + 1) + m`` of every channel."""
        return [n * (n + 1) + m for n, m in self.degrees_and_orders(order)]

    def factors(self, order: int) -> list[float]:
        """How much louder than in SN3D every channel is."""
        return [NORMALIZATIONS[self.normalization](n, abs(m)) for n, m in self.degrees_and_orders(order)]


AMBIX = Convention()
CONVENTIONS = {
    "ambix": AMBIX,
    "n3d": Convention("acn", "n3d"),
    "fuma": Convention("furse_malham", "fuma"),
}


def named_convention(name: str) -> Convention:
    """Look up a customary pair: ``"ambix"`` (ACN, SN3D), ``"n3d"`` (ACN, N3D) or ``"fuma"`` (W/sqrt(2), X, Y, Z, ...).

    Raises:
        UnknownNameError: The name is none of these.
    """
    if name not in CONVENTIONS:
        raise unknown_name("ambisonic convention", name, CONVENTIONS)
    return CONVENTIONS[name]


def convert(ambisonics: torch.Tensor, source: Convention, target: Convention = AMBIX) -> torch.Tensor:
    """Bring the channels of a full sphere ``(..., channels, samples)`` from one convention into another.

    Raises:
        InvalidValueError: The number of channels is not that of a full sphere of order 1 to 3.
    """
    order = order_of(ambisonics.shape[-2])
    of_source = dict(zip(source.acn_indices(order), zip(range(ambisonics.shape[-2]), source.factors(order))))
    picked, gains = [], []
    for index, factor in zip(target.acn_indices(order), target.factors(order)):
        place, source_factor = of_source[index]
        picked.append(place)
        gains.append(factor / source_factor)
    return ambisonics[..., picked, :] * ambisonics.new_tensor(gains)[:, None]


def order_of(channels: int) -> int:
    """Ambisonic order of a full sphere with so many channels.

    Raises:
        InvalidValueError: It is not 4, 9 or 16.
    """
    if channels not in FULL_SPHERES:
        expected = "4, 9 or 16 of a full sphere of order 1, 2 or 3"
        raise InvalidValueError(explain("channels of ambisonic sound", channels, expected))
    return FULL_SPHERES[channels]


def check_order(order: int) -> None:
    """Refuse an ambisonic order outside of 0 to 3.

    Raises:
        InvalidValueError: It is.
    """
    if order not in range(HIGHEST_ORDER + 1):
        raise InvalidValueError(explain("ambisonic order", order, f"a whole number from 0 to {HIGHEST_ORDER}"))

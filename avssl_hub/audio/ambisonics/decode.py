"""From ambisonics (ACN, SN3D) to the sounds of speakers, or of virtual microphones, in given directions."""

import torch

from ...errors import InvalidValueError, explain, unknown_name
from .conventions import order_of
from .designs import t_design
from .directions import angles_of, unit_vectors
from .harmonics import harmonics_of

METHODS = ("projection", "pseudo_inverse", "plane_wave")


def decode(
    ambisonics: torch.Tensor, azimuth: torch.Tensor, elevation: torch.Tensor, method: str = "projection"
) -> torch.Tensor:
    """Decode to directions.

    Args:
        ambisonics: ``(..., channels, samples)`` of a full sphere of order 1 to 3.
        azimuth: ``(speakers)`` in radians, left positive.
        elevation: ``(speakers)`` in radians, up positive.
        method: ``"projection"`` weighs channels with the harmonics of the direction and scales nothing, as the
            authors' maps do; ``"pseudo_inverse"`` finds the quietest speaker sounds that encode to the ambisonics;
            ``"plane_wave"`` is the sharpest beam, with gain 1 towards the direction.

    Returns:
        ``(..., speakers, samples)``.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16.
        UnknownNameError: There is no such method.
    """
    vectors = unit_vectors(torch.as_tensor(azimuth), torch.as_tensor(elevation))
    return decoding_matrix(vectors, order_of(ambisonics.shape[-2]), method).to(ambisonics) @ ambisonics


def decode_to_design(ambisonics: torch.Tensor, degree: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Decode to virtual speakers spread evenly over the sphere; encoding their sounds gives back the ambisonics.

    Args:
        ambisonics: ``(..., channels, samples)`` of a full sphere of order 1 to 3.
        degree: Degree of the t-design, at least twice the order, which is the default.

    Returns:
        The sounds ``(..., speakers, samples)`` and the speakers' unit vectors ``(speakers, 3)``.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16, or there is no design of that degree.
    """
    order = order_of(ambisonics.shape[-2])
    degree = 2 * order if degree is None else degree
    if degree < 2 * order:
        rule = f"at least {2 * order}, twice the ambisonic order"
        raise InvalidValueError(explain("degree of a t-design", degree, rule))
    speakers = t_design(degree)
    return decode(ambisonics, *angles_of(speakers), method="pseudo_inverse"), speakers


def decoding_matrix(vectors: torch.Tensor, order: int, method: str = "projection") -> torch.Tensor:
    """The matrix ``(speakers, channels)`` with which ``decode`` multiplies, for unit vectors ``(speakers, 3)``."""
    harmonics = harmonics_of(vectors.double(), order)
    if method == "projection":
        return harmonics
    if method == "pseudo_inverse":
        return torch.linalg.pinv(harmonics).transpose(-1, -2)
    if method == "plane_wave":
        degrees = harmonics.new_tensor([n for n in range(order + 1) for _ in range(2 * n + 1)])
        return harmonics * (2 * degrees + 1) / (order + 1) ** 2
    raise unknown_name("decoding method", method, METHODS)

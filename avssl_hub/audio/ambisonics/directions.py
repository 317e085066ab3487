"""Directions on the sphere: x points forward, y left, z up; azimuth grows to the left, elevation upwards (radians)."""

import torch

from ...errors import InvalidValueError, explain


def unit_vectors(azimuth: torch.Tensor, elevation: torch.Tensor) -> torch.Tensor:
    """Turn angles ``(...)`` into unit vectors ``(..., 3)``."""
    level = torch.cos(elevation)
    return torch.stack(
        torch.broadcast_tensors(torch.cos(azimuth) * level, torch.sin(azimuth) * level, torch.sin(elevation)), -1
    )


def angles_of(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Azimuth and elevation ``(...)`` of vectors ``(..., 3)`` of any length; both are 0 for the vector 0."""
    x, y, z = vectors.unbind(-1)
    return torch.atan2(y, x), torch.atan2(z, torch.hypot(x, y))


def angle_between(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Angle ``(...)`` in radians between vectors ``(..., 3)`` of any length but 0."""
    # Exact near 0 and pi, where the arc cosine of a dot product loses half the digits.
    crossed = torch.linalg.cross(*torch.broadcast_tensors(first, second)).norm(dim=-1)
    return torch.atan2(crossed, (first * second).sum(-1))


def picture_grid(resolution_degrees: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Grid of the authors' maps, laid out as an equirectangular picture: up is the first row, left the first column.

    Both poles have a row of their own, and azimuths run from 180 degrees less one step down to -180 degrees.

    Args:
        resolution_degrees: Step of both angles; a whole number of steps makes 180 degrees.

    Returns:
        Azimuth and elevation in radians, each float64 ``(180 / resolution + 1, 360 / resolution)``.

    Raises:
        InvalidValueError: The step does not divide 180 degrees.
    """
    steps = _steps(resolution_degrees)
    return _grid(torch.arange(steps, -1, -1, dtype=torch.float64), steps)


def open_grid(resolution_degrees: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Grid of the authors' second map class: elevation grows from -90 degrees with the rows and stops short of +90.

    Args and errors are those of ``picture_grid``; the shape is ``(180 / resolution, 360 / resolution)``.
    """
    steps = _steps(resolution_degrees)
    return _grid(torch.arange(steps, dtype=torch.float64), steps)


def _steps(resolution_degrees: float) -> int:
    steps = round(180 / resolution_degrees) if resolution_degrees > 0 else 0
    if steps < 1 or abs(steps * resolution_degrees - 180) > 1e-6:
        rule = "degrees above 0 of which a whole number makes 180, such as 5 or 30"
        raise InvalidValueError(explain("grid resolution", resolution_degrees, rule))
    return steps


def _grid(rows: torch.Tensor, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    step = torch.pi / steps
    columns = torch.arange(steps - 1, -steps - 1, -1, dtype=torch.float64)
    elevation, azimuth = torch.meshgrid(rows * step - torch.pi / 2, columns * step, indexing="ij")
    return azimuth, elevation

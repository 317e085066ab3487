"""Pictures of the whole sphere, one pixel a step in azimuth and elevation, and what a camera in it sees.

Directions are those of the ambisonics: x forward, y left, z up; azimuth grows to the left, elevation upwards; radians.
The picture's centre lies forward, its left half left. Pixels are areas: the outermost centres lie half a pixel inside.
"""

import math

import torch
from torch.nn import functional as F

from ..audio.ambisonics.directions import angles_of
from ..audio.ambisonics.rotate import rotation_matrix
from ..errors import InvalidValueError, explain


def pixel_directions(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Azimuth and elevation in radians of the centres of a picture's pixels, each ``(height, width)``."""
    azimuth = math.pi - (torch.arange(width) + 0.5) * (2 * math.pi / width)
    elevation = math.pi / 2 - (torch.arange(height) + 0.5) * (math.pi / height)
    return azimuth.expand(height, width), elevation[:, None].expand(height, width)


def direction_pixels(
    azimuth: torch.Tensor, elevation: torch.Tensor, height: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns ``(...)``, with fractions, at which directions lie; pixel centres are whole numbers.

    Azimuths of any number of turns are taken; columns lie between -0.5 and ``width - 0.5``.
    """
    rows = (math.pi / 2 - elevation) * (height / math.pi) - 0.5
    columns = (math.pi - azimuth).remainder(2 * math.pi) * (width / (2 * math.pi)) - 0.5
    return rows, columns


def sample(frames: torch.Tensor, azimuth: torch.Tensor, elevation: torch.Tensor) -> torch.Tensor:
    """Look pictures up at directions, bilinearly, without a seam at the back or at the poles; differentiable.

    Args:
        frames: Floats ``(..., channels, H, W)``.
        azimuth: ``(h, w)`` in radians, or ``(..., h, w)``, its own for each picture of the batch.
        elevation: The same.

    Returns:
        ``(..., channels, h, w)``.
    """
    *batch, channels, height, width = frames.shape
    rows, columns = direction_pixels(azimuth, elevation, height, width)
    grid = torch.stack([(columns + 1.5) * 2 / (width + 2) - 1, (rows + 1.5) * 2 / (height + 2) - 1], -1)
    grid = grid.to(frames).flatten(0, -4) if grid.ndim > 3 else grid.to(frames)[None]
    flat = framed(frames).reshape(len(grid), -1, height + 2, width + 2)
    seen = F.grid_sample(flat, grid, mode="bilinear", align_corners=False)
    return seen.reshape(*batch, channels, *azimuth.shape[-2:])


def camera_directions(
    yaw: float | torch.Tensor,
    pitch: float | torch.Tensor,
    roll: float | torch.Tensor,
    half_width: float | torch.Tensor,
    half_height: float | torch.Tensor,
    size: tuple[int, int],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Directions that the centres of a camera's pixels look in; differentiable.

    Args:
        yaw: Radians the camera looks to the left; this and the others are one number, or ``(...)``.
        pitch: Radians it looks upwards.
        roll: Radians it is tilted, its left side upwards.
        half_width: Tangent of half the angle from the left to the right edge.
        half_height: Tangent of half the angle from the upper to the lower edge.
        size: Height and width in pixels.

    Returns:
        Azimuth and elevation in radians, each ``(..., *size)``.
    """
    turn = rotation_matrix(yaw, pitch, roll)
    up, left = (_steps(half, count, turn) for half, count in zip((half_height, half_width), size))
    left, up = torch.broadcast_tensors(left[..., None, :], up[..., None])
    rays = torch.stack([torch.ones_like(left), left, up], -1)
    return angles_of(rays @ turn[..., None, :, :].transpose(-1, -2))


def view(
    frames: torch.Tensor,
    yaw: float | torch.Tensor,
    pitch: float | torch.Tensor = 0.0,
    roll: float | torch.Tensor = 0.0,
    fov: float = math.pi / 2,
    size: tuple[int, int] = (256, 256),
) -> torch.Tensor:
    """What a camera in the centre sees; differentiable in pictures and angles.

    Args:
        frames: Floats ``(..., channels, H, W)``.
        yaw: Radians the camera looks to the left.
        pitch: Radians it looks upwards.
        roll: Radians it is tilted, its left side upwards.
        fov: Angle in radians from the left to the right edge, less than pi.
        size: Height and width of what is seen; its pixels are square.

    Returns:
        ``(..., channels, *size)``.

    Raises:
        InvalidValueError: ``fov`` is out of range.
    """
    if not 0 < fov < math.pi:
        raise InvalidValueError(explain("fov", fov, "an angle in radians between 0 and pi"))
    half = math.tan(fov / 2)
    yaw = torch.as_tensor(yaw, device=frames.device)
    return sample(frames, *camera_directions(yaw, pitch, roll, half, half * size[0] / size[1], size))


def roll(frames: torch.Tensor, yaw: float | torch.Tensor, whole_pixels: bool = False) -> torch.Tensor:
    """Turn pictures: what lay at azimuth ``a`` lies at ``a + yaw``, as ``rotate`` does with sound; differentiable.

    Args:
        frames: ``(..., channels, H, W)``; floats, unless ``whole_pixels``.
        yaw: Radians, one or ``(...)``, one for each picture of the batch.
        whole_pixels: Shift by whole pixels, rounded towards zero, as the released training does, in place of
            interpolating.

    Returns:
        The same shape.
    """
    width = frames.shape[-1]
    shift = torch.as_tensor(yaw, device=frames.device).double() * (width / (2 * math.pi))
    lower = shift.trunc() if whole_pixels else shift.floor()
    turned = _shifted(frames, lower.long())
    if whole_pixels:
        return turned
    share = (shift - lower).to(frames)[..., None, None, None]
    return torch.lerp(turned, _shifted(frames, lower.long() + 1), share)


def framed(frames: torch.Tensor) -> torch.Tensor:
    """Put a border of one pixel around pictures ``(..., H, W)``, of what lies there on the sphere."""
    # Beyond a pole the picture goes on half a turn further.
    over, under = (frames[..., row, None, :].roll(frames.shape[-1] // 2, -1) for row in (0, -1))
    taller = torch.cat([over, frames, under], -2)
    return torch.cat([taller[..., -1:], taller, taller[..., :1]], -1)


def _steps(half: float | torch.Tensor, count: int, like: torch.Tensor) -> torch.Tensor:
    """Centres ``(..., count)`` of pixels that fall from ``half`` to ``-half``."""
    places = 1 - (2 * torch.arange(count, dtype=like.dtype, device=like.device) + 1) / count
    return torch.as_tensor(half, dtype=like.dtype, device=like.device)[..., None] * places


def _shifted(frames: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Shift pictures to the left around the sphere, ``(...)`` pixels each."""
    width = frames.shape[-1]
    columns = (torch.arange(width, device=frames.device) + pixels[..., None]).remainder(width)
    return frames.gather(-1, columns[..., None, None, :].expand(frames.shape))

"""Drawing scenes around the listener: sprites laid on the sphere and seen in equirectangular frames."""

import torch
from torch import Tensor

from ...audio.ambisonics import spherical_harmonics
from ...audio.ambisonics.directions import unit_vectors
from ...video.equirectangular import pixel_directions
from ..avworld.looks import SPRITE_REACH
from ..avworld.picture import FLASH_SWELLING, paint, sample_sprites
from .config import AVWorld360Config
from .scenes import Scenes360


def draw_frames(scenes: Scenes360, times: Tensor, config: AVWorld360Config) -> Tensor:
    """Draw B scenes at ``times`` (B, T) in seconds.

    Returns:
        Frames, (B, T, 3, height, width) uint8; the middle is in front, the left half to the left.
    """
    opacity, texture = place_sprites(scenes, times, config.height)
    azimuth, elevation = pixel_directions(config.height, config.width)
    harmonics = spherical_harmonics(azimuth, elevation, 2).to(times.device)
    backdrop = (scenes.backdrop.float() @ harmonics.flatten(0, 1).T).unflatten(-1, azimuth.shape)
    return paint(scenes, times, backdrop.clamp(0, 1), opacity, texture, config.camera_noise)


def place_sprites(scenes: Scenes360, times: Tensor, height: int) -> tuple[Tensor, Tensor]:
    """Lay each object's sprite where it is: opacity and texture, (B, O, T, height, 2 * height) each.

    Distances on the sprite are great-circle distances from the object's centre, in the direction they are seen from
    there; so a disc is a disc on the sphere, wide near the poles and whole across the frame's edges.
    """
    pixels = unit_vectors(*pixel_directions(height, 2 * height)).to(times.device)
    ahead, left, up = (_tangent_frame(*scenes.directions(times)) @ pixels.flatten(0, 1).T).unbind(-2)
    aside = torch.hypot(left, up)
    swelling = 1 + FLASH_SWELLING * scenes.flash(times)
    reach = (SPRITE_REACH * scenes.radius[:, :, None] * swelling).float()[..., None]
    scale = torch.atan2(aside, ahead) / (aside.clamp_min(1e-6) * reach)
    angle = (scenes.angle[:, :, None] + scenes.spin[:, :, None] * times[:, None]).float()[..., None]
    cos, sin = scale * angle.cos(), scale * angle.sin()
    right, down = -left, -up
    grid = torch.stack([cos * right + sin * down, cos * down - sin * right], -1)
    opacity, texture = sample_sprites(scenes, grid.unflatten(3, pixels.shape[:2]))
    # The point opposite an object has no direction from it, and would be taken for its centre.
    visible = (ahead > 0).unflatten(3, pixels.shape[:2]) & scenes.seen[:, :, None, None, None]
    return opacity * visible, texture


def _tangent_frame(azimuth: Tensor, elevation: Tensor) -> Tensor:
    """Return the unit vectors ahead, to the left and upwards of directions, (..., 3, 3) float32."""
    left = unit_vectors(azimuth + torch.pi / 2, torch.zeros_like(elevation))
    up = unit_vectors(azimuth, elevation + torch.pi / 2)
    return torch.stack([unit_vectors(azimuth, elevation), left, up], -2).float()

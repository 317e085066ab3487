"""Drawing scenes: sprites moved, turned and coloured over a backdrop, batched on the scenes' device."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import AVWorldConfig
from .looks import SPRITE_REACH, sprites
from .noise import noise_table
from .scenes import Scenes

# How far a flash takes an object towards white, and how much it swells.
FLASH_WHITENESS = 0.5
FLASH_SWELLING = 0.25


def draw_frames(scenes: Scenes, times: Tensor, config: AVWorldConfig) -> Tensor:
    """Draw B scenes at ``times`` (B, T) in seconds.

    Returns:
        Frames, (B, T, height, width, 3) uint8.
    """
    num_frames = times.shape[1]
    height, width = config.height, config.width
    backdrop = F.interpolate(scenes.backdrop.float(), (height, width), mode="bicubic").clamp(0, 1)
    frames = backdrop[:, None].repeat(1, num_frames, 1, 1, 1)

    opacity, texture = place_sprites(scenes, times, height, width)
    flash = scenes.flash(times).float()
    # The paler, the larger and deeper; the darker, the quieter.
    colour = _rgb(scenes.hue.float(), 0.95 - 0.7 * scenes.size.float(), 0.3 + 0.7 * scenes.brightness.float())
    for number in range(scenes.classes.shape[1]):
        shade = 0.45 + 0.55 * texture[:, number]
        body = colour[:, number, None, :, None, None] * shade[:, :, None]
        white = FLASH_WHITENESS * flash[:, number, :, None, None, None]
        frames = frames.lerp(body.lerp(torch.ones_like(body), white), opacity[:, number, :, None])

    noise = _camera_noise(scenes, times, height, width)
    frames = frames + config.camera_noise * noise[:, :, None]
    return (255 * frames).round().clamp(0, 255).byte().permute(0, 1, 3, 4, 2)


def place_sprites(scenes: Scenes, times: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Resample each object's sprite to where it is: opacity and texture, (B, O, T, height, width) each."""
    num_scenes, num_objects = scenes.classes.shape
    short = min(height, width)
    y = (torch.arange(height, device=times.device) + 0.5) / short
    x = (torch.arange(width, device=times.device) + 0.5) / short
    centre = scenes.positions(times).float()[..., None, None]
    reach = SPRITE_REACH * scenes.radius[:, :, None] * (1 + FLASH_SWELLING * scenes.flash(times))
    angle = (scenes.angle[:, :, None] + scenes.spin[:, :, None] * times[:, None]).float()
    cos = (torch.cos(angle) / reach).float()[..., None, None]
    sin = (torch.sin(angle) / reach).float()[..., None, None]
    right, down = x - centre[:, :, :, 0], y[:, None] - centre[:, :, :, 1]
    grid = torch.stack([cos * right + sin * down, cos * down - sin * right], dim=-1)

    drawn = sprites().to(times.device)[scenes.classes.flatten()]
    placed = F.grid_sample(drawn, grid.flatten(0, 1).flatten(1, 2), align_corners=True)
    placed = placed.unflatten(2, (-1, height)).unflatten(0, (num_scenes, num_objects))
    opacity, texture = placed.unbind(2)
    return opacity * scenes.present[:, :, None, None, None], texture


def _rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Turn colours from the circle into RGB: (...) to (..., 3)."""
    corner = torch.tensor([5.0, 3.0, 1.0], device=hue.device)
    ramp = (corner + 6 * hue[..., None]).remainder(6)
    return value[..., None] * (1 - saturation[..., None] * torch.minimum(ramp, 4 - ramp).clamp(0, 1))


def _camera_noise(scenes: Scenes, times: Tensor, height: int, width: int) -> Tensor:
    table = noise_table().to(times.device)
    # A step of 7919 table entries a millisecond keeps neighbouring frames' noise apart.
    first = scenes.noise_offset[:, None] + (1000 * times).round().long() * 7919
    pixel = torch.arange(height * width, device=times.device)
    return table[(first[..., None] + pixel) % len(table)].unflatten(2, (height, width))

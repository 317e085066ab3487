"""Drawing scenes: sprites moved, turned and coloured over a backdrop, batched on the scenes' device."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import AVWorldConfig
from .looks import SPRITE_REACH, sprites
from .noise import noise_table
from .objects import StruckObjects
from .scenes import Scenes

# How far a flash takes an object towards white, and how much it swells.
FLASH_WHITENESS = 0.5
FLASH_SWELLING = 0.25


def draw_frames(scenes: Scenes, times: Tensor, config: AVWorldConfig) -> Tensor:
    """Draw B scenes at ``times`` (B, T) in seconds.

    Returns:
        Frames, (B, T, height, width, 3) uint8.
    """
    height, width = config.height, config.width
    backdrop = F.interpolate(scenes.backdrop.float(), (height, width), mode="bicubic").clamp(0, 1)
    opacity, texture = place_sprites(scenes, times, height, width)
    return paint(scenes, times, backdrop, opacity, texture, config.camera_noise).permute(0, 1, 3, 4, 2)


def paint(
    scenes: StruckObjects, times: Tensor, backdrop: Tensor, opacity: Tensor, texture: Tensor, camera_noise: float
) -> Tensor:
    """Paint objects in their colours over a backdrop, flashing where they are struck.

    Args:
        scenes: The objects.
        times: Seconds, (B, T).
        backdrop: What is behind them, (B, 3, H, W), 0 to 1.
        opacity: Where each object is, (B, O, T, H, W), 0 to 1.
        texture: Its texture, (B, O, T, H, W), 0 to 1.
        camera_noise: Standard deviation of the pixel noise, of 1 for white.

    Returns:
        Frames, (B, T, 3, H, W) uint8.
    """
    frames = backdrop[:, None].repeat(1, times.shape[1], 1, 1, 1)
    flash = scenes.flash(times).float()
    # The paler, the larger and deeper; the darker, the quieter.
    colour = _rgb(scenes.hue.float(), 0.95 - 0.7 * scenes.size.float(), 0.3 + 0.7 * scenes.brightness.float())
    for number in range(scenes.classes.shape[1]):
        shade = 0.45 + 0.55 * texture[:, number]
        body = colour[:, number, None, :, None, None] * shade[:, :, None]
        white = FLASH_WHITENESS * flash[:, number, :, None, None, None]
        frames = frames.lerp(body.lerp(torch.ones_like(body), white), opacity[:, number, :, None])
    noise = _camera_noise(scenes, times, *backdrop.shape[-2:])
    frames = frames + camera_noise * noise[:, :, None]
    return (255 * frames).round().clamp(0, 255).byte()


def place_sprites(scenes: Scenes, times: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Resample each object's sprite to where it is: opacity and texture, (B, O, T, height, width) each."""
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

    return sample_sprites(scenes, grid)


def sample_sprites(scenes: StruckObjects, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Look objects' sprites up at ``grid`` (B, O, T, H, W, 2): right and down, from -1 to 1 inside.

    Returns:
        Opacity and texture, (B, O, T, H, W) each; 0 outside the sprite and for objects that do not exist.
    """
    drawn = sprites().to(grid.device)[scenes.classes.flatten()]
    placed = F.grid_sample(drawn, grid.flatten(0, 1).flatten(1, 2), align_corners=True)
    opacity, texture = placed.unflatten(2, grid.shape[2:4]).unflatten(0, grid.shape[:2]).unbind(2)
    return opacity * scenes.present[:, :, None, None, None], texture


def _rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Turn colours from the circle into RGB: (...) to (..., 3)."""
    corner = torch.tensor([5.0, 3.0, 1.0], device=hue.device)
    ramp = (corner + 6 * hue[..., None]).remainder(6)
    return value[..., None] * (1 - saturation[..., None] * torch.minimum(ramp, 4 - ramp).clamp(0, 1))


def _camera_noise(scenes: StruckObjects, times: Tensor, height: int, width: int) -> Tensor:
    table = noise_table().to(times.device)
    # A step of 7919 table entries a millisecond keeps neighbouring frames' noise apart.
    first = scenes.noise_offset[:, None] + (1000 * times).round().long() * 7919
    pixel = torch.arange(height * width, device=times.device)
    return table[(first[..., None] + pixel) % len(table)].unflatten(2, (height, width))

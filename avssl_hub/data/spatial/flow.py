"""Optical flow as the authors keep it in pictures."""

import math

import torch


def decode_flow(picture: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Turn a picture of flow into the network's input.

    The authors store the angle plus π and never take π away, so that both components come out negated. What a network
    learned from such pictures needs them so.

    Args:
        picture: ``(3, H, W)`` uint8: angle, nothing, magnitude.
        low: Smallest magnitude of the picture, in pixels per frame.
        high: Largest one.

    Returns:
        ``(3, H, W)`` float32: -dx, -dy and the magnitude, in pixels per frame.
    """
    angle = picture[0].float() * (2 * math.pi / 255)
    magnitude = picture[2].float() * ((high - low) / 255) + low
    return torch.stack([magnitude * angle.cos(), magnitude * angle.sin(), magnitude])

"""Sounding scenes around the listener: each object's notes, encoded from where it is at each moment."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from ...audio.ambisonics import spherical_harmonics
from ..avworld.noise import noise_table
from ..avworld.sound import strike
from .scenes import Scenes360

# Keeps the sum of several objects' notes below full scale.
HEADROOM = 0.4
# Directions are computed this often, and the gains between are interpolated.
GAINS_PER_SECOND = 1000
# Far apart in the noise table, so that the channels' noise is independent.
_CHANNEL_STRIDE = 2**14


def play(scenes: Scenes360, start: Tensor, num_samples: int, rate: int) -> tuple[Tensor, Tensor]:
    """Sound B scenes from ``start`` (B,) in seconds at ``rate`` samples a second.

    Returns:
        Ambisonics (B, 4, num_samples) of first order, ACN (W, Y, Z, X) and SN3D, with diffuse noise; and each object's
        own sound, (B, O, num_samples), without it.
    """
    first = (start * rate).round().long()
    objects = HEADROOM * strike(scenes, first, num_samples, rate)
    ambisonics = _diffuse_noise(scenes, first, num_samples)
    ambisonics[:, 0] += objects.sum(1)
    # One object at a time, since gains over time are large.
    for sound, gains in zip(objects.unbind(1), _gains(scenes, first, num_samples, rate)):
        ambisonics[:, 1:].addcmul_(sound[:, None], gains)
    return ambisonics, objects


def _gains(scenes: Scenes360, first: Tensor, num_samples: int, rate: int) -> Iterator[Tensor]:
    """Give each object's gains in Y, Z and X over time, (B, 3, num_samples), or (B, 3, 1) where nothing moves."""
    moving = bool(((scenes.speed != 0) | (scenes.hop != 0)).any())
    number = math.ceil(num_samples / rate * GAINS_PER_SECOND) + 1 if moving else 1
    sample = torch.linspace(0, num_samples - 1, number, dtype=torch.float64, device=first.device)
    directions = scenes.directions((first[:, None] + sample) / rate)
    gains = spherical_harmonics(*directions, 1)[..., 1:].float().transpose(-1, -2)
    for of_object in gains.unbind(1):
        yield F.interpolate(of_object, num_samples, mode="linear", align_corners=True) if moving else of_object


def _diffuse_noise(scenes: Scenes360, first: Tensor, num_samples: int) -> Tensor:
    """Read noise that comes from everywhere alike, (B, 4, num_samples)."""
    table = noise_table().to(first.device)
    channel = _CHANNEL_STRIDE * torch.arange(4, device=first.device)
    begin = (scenes.noise_offset[:, None] + channel + first[:, None]) % len(table)
    endless = table.repeat(2 + num_samples // len(table))
    # W has three times the power of each of the others.
    share = torch.tensor([1.0, *3 * [1 / math.sqrt(3)]], device=first.device)
    gain = (scenes.hiss.float()[:, None] * share)[..., None]
    return gain * endless.unfold(0, num_samples, 1)[begin]

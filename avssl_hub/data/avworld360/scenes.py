"""What happens on the sphere: which objects are seen and heard, where they are, and when they are struck.

Angles are in radians: azimuth 0 in front and positive to the left, elevation 0 on the horizon and positive upwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import InvalidValueError, explain, unknown_name
from ..avworld.objects import StruckObjects
from ..avworld.scenes import MAX_SPIN, SPLITS
from .config import MAX_HOP_DEGREES, AVWorld360Config

# Angular radius, smallest to largest object.
RADIUS_DEGREES = (12.0, 28.0)
# Strikes per second. A note lasts 0.4 s, so that an object is silent for a tenth of a second at most.
STRIKE_RATE = (2.0, 5.0)
# Degrees per second, of moving objects, either way round.
SPEED_DEGREES = (15.0, 60.0)
MIN_HOP_DEGREES = 5.0
# Darker objects would hardly be heard: the loudness of an AVWorld falls by 30 dB down to brightness 0.
MIN_BRIGHTNESS = 0.6
BACKDROP_HARMONICS = 9

_PER_OBJECT = 14
_PER_SCENE = 4


@dataclass(frozen=True)
class Scenes360(StruckObjects):
    """A batch of B scenes with up to O objects on a sphere.

    An object that exists but makes no sound is never struck. One that moves goes round at a steady speed, and hops: it
    is struck each time it is at its lowest point.

    Attributes:
        sounding: Which objects make a sound, (B, O) bool.
        seen: Which objects are in the picture, (B, O) bool.
        azimuth: Azimuth at time 0, (B, O).
        elevation: Lowest elevation, (B, O).
        speed: Change of azimuth per second, 0 for still objects, (B, O).
        hop: Height of the hops, 0 for still objects, (B, O).
        phase: Share of the first hop that lies before time 0, (B, O).
        rate: Hops per second, (B, O).
        backdrop: Spherical harmonics, ACN and SN3D, of the colours behind the objects, (B, 3, 9).
    """

    sounding: Tensor
    seen: Tensor
    azimuth: Tensor
    elevation: Tensor
    speed: Tensor
    hop: Tensor
    phase: Tensor
    rate: Tensor
    backdrop: Tensor

    @property
    def radius(self) -> Tensor:
        """Angular radius of each object, (B, O)."""
        smallest, largest = map(math.radians, RADIUS_DEGREES)
        return smallest + (largest - smallest) * self.size

    def directions(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Locate the objects' centres at ``times`` (B, T): azimuth in [-π, π) and elevation, (B, O, T) each."""
        times = times[:, None]
        azimuth = self.azimuth[..., None] + self.speed[..., None] * times
        within_hop = (self.phase[..., None] + self.rate[..., None] * times).remainder(1)
        height = self.hop[..., None] * 4 * within_hop * (1 - within_hop)
        return (azimuth + torch.pi).remainder(2 * torch.pi) - torch.pi, self.elevation[..., None] + height


def draw_scenes(config: AVWorld360Config, split: str, indices: Sequence[int]) -> Scenes360:
    """Draw the scenes ``indices`` of a split; scene i is a function of (seed, split, i) alone.

    Raises:
        UnknownNameError: The split is not "train", "validation" or "test".
        InvalidValueError: An index is negative.
    """
    if split not in SPLITS:
        raise unknown_name("AVWorld split", split, SPLITS)
    indices = [int(index) for index in indices]
    if indices and min(indices) < 0:
        raise InvalidValueError(explain("AVWorld scene index", min(indices), "an integer of at least 0"))
    count = config.max_sources + config.max_distractors
    parts = (_PER_SCENE, 4 * BACKDROP_HARMONICS, config.num_classes, count * _PER_OBJECT)
    draws = np.empty((len(indices), sum(parts)))
    for row, index in zip(draws, indices):
        row[:] = np.random.default_rng([config.seed, SPLITS.index(split), index]).random(len(row))
    of_scene, colours, order, of_object = torch.from_numpy(draws).split(parts, 1)
    of_object = of_object.unflatten(1, (count, _PER_OBJECT)).unbind(2)
    return _scenes(config, of_scene.unbind(1), colours, order.argsort(1)[:, :count], of_object)


def _scenes(
    config: AVWorld360Config,
    of_scene: Sequence[Tensor],
    colours: Tensor,
    classes: Tensor,
    of_object: Sequence[Tensor],
) -> Scenes360:
    """Make scenes of draws from [0, 1): each of ``of_scene`` (B,), each of ``of_object`` (B, O)."""
    sources, distractors, hiss, offset = of_scene
    size, brightness, hue, angle, spin, azimuth, elevation, moves, way, speed, hop, phase, rate, unseen = of_object
    number = torch.arange(classes.shape[1])
    sources = config.min_sources + (sources * (config.max_sources - config.min_sources + 1)).long()
    distractors = (distractors * (config.max_distractors + 1)).long()
    sounding = number < sources[:, None]
    present = number < (sources + distractors)[:, None]
    moves = moves < config.moving_share
    steepest = math.sin(math.radians(config.max_elevation_degrees))
    rate = _between(STRIKE_RATE, rate)
    event_times = _strikes(phase, rate, sounding, config.duration)
    return Scenes360(
        classes=classes,
        present=present,
        size=size,
        brightness=_between((MIN_BRIGHTNESS, 1.0), brightness),
        hue=(classes / config.num_classes + config.hue_jitter * (2 * hue - 1)) % 1,
        angle=2 * torch.pi * angle,
        spin=2 * torch.pi * MAX_SPIN * (2 * spin - 1),
        event_times=event_times,
        event_strengths=event_times.isfinite().double(),
        hiss=10 ** ((config.diffuse_db - 30 * hiss) / 20),
        noise_offset=(offset * 2**16).long(),
        sounding=sounding,
        seen=present & ~(sounding & (unseen < config.unseen_share)),
        azimuth=torch.pi * (2 * azimuth - 1),
        elevation=torch.asin(steepest * (2 * elevation - 1)),
        speed=moves * (2 * way - 1).sign() * _between(SPEED_DEGREES, speed).deg2rad(),
        hop=moves * _between((MIN_HOP_DEGREES, MAX_HOP_DEGREES), hop).deg2rad(),
        phase=phase,
        rate=rate,
        backdrop=_backdrop(colours.unflatten(1, (4, BACKDROP_HARMONICS))),
    )


def _between(limits: tuple[float, float], draws: Tensor) -> Tensor:
    low, high = limits
    return low + (high - low) * draws


def _strikes(phase: Tensor, rate: Tensor, sounding: Tensor, duration: float) -> Tensor:
    """Find the times (B, O, E) at which ``phase + rate * t`` passes a whole number, infinite where nothing sounds."""
    most = int(STRIKE_RATE[1] * duration) + 1
    times = (1 + torch.arange(most, dtype=torch.float64) - phase[..., None]) / rate[..., None]
    return torch.where((times < duration) & sounding[..., None], times, torch.inf)


def _backdrop(draws: Tensor) -> Tensor:
    """Mix mostly grey colours that vary slowly, as harmonics (B, 3, 9), so that an object stands out by its own."""
    grey, colours = (2 * draws - 1).split((1, 3), 1)
    harmonics = 0.08 * (grey + 0.4 * colours)
    harmonics[..., 0] += 0.22
    return harmonics

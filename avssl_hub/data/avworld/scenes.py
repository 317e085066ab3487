"""What happens in a clip: objects, their paths and their bounces, as functions of continuous time.

Nothing here is drawn or sounded; pictures and sound are both rendered from the same :class:`Scenes`, which is also the
ground truth. An object's size sets its pitch and how pale it is, its brightness sets its loudness, and each bounce is a
flash and a sound.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import InvalidValueError, explain, unknown_name
from .config import AVWorldConfig
from .objects import StruckObjects

SPLITS = ("train", "validation", "test")

# Share of the short side, smallest to largest object.
RADIUS = (0.14, 0.32)
# Bounces per second off the left/right and the top/bottom walls. At least one in any second.
BOUNCE_RATE = ((1.0, 3.0), (0.4, 2.0))
# Turns per second, either way.
MAX_SPIN = 0.5
BACKDROP_CELLS = 4

# Last word of the seeds of what is drawn beside a scene. Not 0, with which NumPy completes a shorter seed.
_OFF_SCREEN, _UNSEEN = 1, 2

_PER_OBJECT = 10
_PER_SCENE = 3 + 3 * BACKDROP_CELLS**2


@dataclass(frozen=True)
class Scenes(StruckObjects):
    """A batch of B scenes in a plane: objects that are struck where they bounce.

    Attributes:
        phase: Path position at time 0 in room crossings, from [0, 2), for x and y, (B, O, 2).
        rate: Room crossings per second, for x and y, (B, O, 2).
        extent: Width and height of the picture in units of its short side, (2,).
        backdrop: Colours behind the objects, (B, 3, 4, 4), 0 to 1.
        kinds: Kind of each object, (B, O) int64; -1 in a world without kinds.
        off_screen: Which scenes sound like another one, (B,) bool.
        heard: The scenes that are heard, where those are not all these ones themselves.
    """

    phase: Tensor
    rate: Tensor
    extent: Tensor
    backdrop: Tensor
    kinds: Tensor
    off_screen: Tensor
    heard: "Scenes | None" = None

    @property
    def radius(self) -> Tensor:
        """Radius of each object in units of the picture's short side, (B, O)."""
        return RADIUS[0] + (RADIUS[1] - RADIUS[0]) * self.size

    def positions(self, times: Tensor) -> Tensor:
        """Locate the objects' centres at ``times`` (B, T), as (B, O, T, 2): x, y in short sides from the top left."""
        crossings = self.phase[:, :, None] + self.rate[:, :, None] * times[:, None, :, None]
        along = 1 - (crossings.remainder(2) - 1).abs()
        margin = self.radius[:, :, None, None]
        return margin + (self.extent - 2 * margin) * along


def draw_scenes(config: AVWorldConfig, split: str, indices: Sequence[int]) -> Scenes:
    """Draw the scenes ``indices`` of a split; scene i is a function of (seed, split, i) alone.

    Args:
        config: The world.
        split: "train", "validation" or "test". The split is part of each scene's seed, so no two splits share a scene.
        indices: Scene numbers, any integers of at least 0.

    Raises:
        UnknownNameError: The split is not one of the three.
        InvalidValueError: An index is negative.
    """
    if split not in SPLITS:
        raise unknown_name("AVWorld split", split, SPLITS)
    indices = [int(index) for index in indices]
    if indices and min(indices) < 0:
        raise InvalidValueError(explain("AVWorld scene index", min(indices), "an integer of at least 0"))
    seeds = [[config.seed, SPLITS.index(split), index] for index in indices]
    scenes = _draw(config, seeds)
    if split != "train" or config.off_screen_share == 0:
        return scenes
    chances = [np.random.default_rng([*seed, _OFF_SCREEN]).random() for seed in seeds]
    off_screen = [chance < config.off_screen_share for chance in chances]
    heard = _draw(config, [[*seed, _UNSEEN] if off else seed for seed, off in zip(seeds, off_screen)])
    return dataclasses.replace(scenes, off_screen=torch.tensor(off_screen, dtype=torch.bool), heard=heard)


def _draw(config: AVWorldConfig, seeds: list[list[int]]) -> Scenes:
    """Draw a scene from each seed, heard as it is seen."""
    count = config.max_objects
    draws = np.empty((len(seeds), _PER_SCENE + count * _PER_OBJECT))
    for row, seed in zip(draws, seeds):
        row[:] = np.random.default_rng(seed).random(len(row))
    of_scene = torch.from_numpy(draws[:, :_PER_SCENE])
    of_object = torch.from_numpy(draws[:, _PER_SCENE:]).unflatten(1, (count, _PER_OBJECT))
    how_many, hiss, offset = of_scene[:, :3].unbind(1)
    kind, size, brightness, hue, angle, spin = of_object[:, :, :6].unbind(2)

    number = config.min_objects + (how_many * (count - config.min_objects + 1)).long()
    present = torch.arange(count) < number[:, None]
    classes, kinds = (kind * config.num_classes).long(), torch.full(kind.shape, -1)
    if config.num_kinds:
        kinds = (kind * config.num_kinds).long()
        classes = kinds % config.num_classes
        # No scene's seed: those have a split for a second word.
        table = np.random.default_rng([config.seed, len(SPLITS)]).random((config.num_kinds, 2))
        size, brightness = torch.from_numpy(table)[kinds].unbind(-1)
    low, high = torch.tensor(BOUNCE_RATE, dtype=torch.float64).unbind(1)
    phase, rate = 2 * of_object[:, :, 6:8], low + (high - low) * of_object[:, :, 8:10]
    event_times, event_strengths = _bounces(phase, rate, present, config.duration)
    short = min(config.height, config.width)
    return Scenes(
        classes=classes,
        present=present,
        size=size,
        brightness=brightness,
        hue=(classes / config.num_classes + config.hue_jitter * (2 * hue - 1)) % 1,
        angle=2 * torch.pi * angle,
        spin=2 * torch.pi * MAX_SPIN * (2 * spin - 1),
        phase=phase,
        rate=rate,
        extent=torch.tensor([config.width / short, config.height / short], dtype=torch.float64),
        event_times=event_times,
        event_strengths=event_strengths,
        backdrop=_backdrop(of_scene[:, 3:].unflatten(1, (3, BACKDROP_CELLS, BACKDROP_CELLS))),
        hiss=10 ** ((config.hiss_db - 30 * hiss) / 20),
        noise_offset=(offset * 2**16).long(),
        kinds=kinds,
        off_screen=torch.zeros(len(seeds), dtype=torch.bool),
    )


def _backdrop(draws: Tensor) -> Tensor:
    """Mix mostly grey colours, (B, 3, 4, 4), so that an object stands out by its own."""
    grey = draws.mean(1, keepdim=True)
    return 0.45 * (grey + 0.4 * (draws - grey))


def _bounces(phase: Tensor, rate: Tensor, present: Tensor, duration: float) -> tuple[Tensor, Tensor]:
    """Find the times at which ``phase + rate * t`` (B, O, 2) passes a whole number: there a wall is met."""
    most = int(max(high for _, high in BOUNCE_RATE) * duration) + 1
    walls = phase.ceil()[..., None] + torch.arange(most, dtype=torch.float64)
    times = (walls - phase[..., None]) / rate[..., None]
    fastest = torch.tensor([high for _, high in BOUNCE_RATE], dtype=torch.float64)
    strengths = (0.4 + 0.6 * rate / fastest)[..., None].expand_as(times)
    happens = (times < duration) & present[:, :, None, None]
    times = torch.where(happens, times, torch.inf).flatten(2)
    return times, torch.where(happens, strengths, 0.0).flatten(2)

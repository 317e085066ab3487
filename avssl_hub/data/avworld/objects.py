"""Objects that are struck: what worlds of every shape know of them, whether they move in a plane or on a sphere."""

import dataclasses
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

NOTE_SECONDS = 0.4
FLASH_SECONDS = 0.12


@dataclass(frozen=True)
class StruckObjects:
    """A batch of B scenes with up to O objects, each struck up to E times; every strike is a flash and a note.

    Attributes:
        classes: Class of each object, (B, O) int64.
        present: Which objects exist, (B, O) bool.
        size: 0 (smallest, highest pitch) to 1, (B, O).
        brightness: 0 (darkest, quietest) to 1, (B, O).
        hue: Colour of each object on the circle [0, 1), (B, O).
        angle: Orientation at time 0 in radians, (B, O).
        spin: Turning speed in radians per second, (B, O).
        event_times: Strikes in seconds, in no order, infinite where there is none, (B, O, E).
        event_strengths: How hard each strike is, from (0, 1], 0 where there is none, (B, O, E).
        hiss: Amplitude of the background noise, (B,).
        noise_offset: Where the scene starts reading the noise table, (B,) int64.
    """

    classes: Tensor
    present: Tensor
    size: Tensor
    brightness: Tensor
    hue: Tensor
    angle: Tensor
    spin: Tensor
    event_times: Tensor
    event_strengths: Tensor
    hiss: Tensor
    noise_offset: Tensor

    def __len__(self) -> int:
        return len(self.classes)

    def to(self, device: torch.device | str) -> Self:
        """Return the same scenes with every tensor on ``device``."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return type(self)(**{name: value if value is None else value.to(device) for name, value in values.items()})

    def flash(self, times: Tensor) -> Tensor:
        """Measure how brightly each object flashes at ``times`` (B, T), as (B, O, T) from 0 to 1."""
        since = self._since_strikes(times)
        glow = torch.where(since >= 0, torch.exp(-since.clamp_min(0) / FLASH_SECONDS), 0.0)
        return (glow * self.event_strengths[:, :, None, :]).sum(-1).clamp_max(1)

    def rings(self, times: Tensor) -> Tensor:
        """Tell of which objects a note still rings at ``times`` (B, T), as (B, O, T) bool."""
        since = self._since_strikes(times)
        return ((since >= 0) & (since < NOTE_SECONDS)).any(-1)

    def _since_strikes(self, times: Tensor) -> Tensor:
        return times[:, None, :, None] - self.event_times[:, :, None, :]

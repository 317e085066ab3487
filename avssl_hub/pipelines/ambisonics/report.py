"""What is in a file of ambisonics: channels and their levels, directions, and whether its convention is plausible."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ...audio.ambisonics import named_convention, window_covariance
from ...audio.ambisonics.dominant import Dominant, dominant_directions
from ...audio.ambisonics.intensity import flow_and_energy
from ...audio.ambisonics.plausibility import band_covariance, misfits
from ...errors import InvalidValueError, explain
from .source import AmbisonicSound

_WINDOW = 0.25  # seconds, about a syllable
_WINDOWS_A_BLOCK = 16
# Hertz: below, microphone arrays lack the higher orders; above, their capsules lie too far apart.
_BAND = (2000.0, 6000.0)
# Customary names of channels, in ACN order.
_LETTERS = "WYZXVTRSUQOMKLNP"


@dataclass(frozen=True)
class ChannelLevel:
    """How loud a channel is.

    Attributes:
        name: Customary letter.
        rms: Root mean square.
        peak: Largest magnitude.
    """

    name: str
    rms: float
    peak: float


@dataclass(frozen=True)
class AmbisonicReport:
    """What was found in a file.

    Attributes:
        seconds: Length of the sound.
        levels: Of every channel, as stored.
        directions: Where sound came from for most of the time, strongest first; empty for silence.
        diffuseness: 0 if all sound came from one direction at a time, 1 if none did; the mean by energy.
        misfits: For each convention, the share of the sound between 2 and 6 kHz that contradicts it; empty for
            silence there, or less than a quarter of a second.
        other_misfits: The same for the other order of channels, where there is one (see ``AmbisonicSound``).
    """

    seconds: float
    levels: tuple[ChannelLevel, ...]
    directions: tuple[Dominant, ...]
    diffuseness: float
    misfits: dict[str, float]
    other_misfits: dict[str, float]


def inspect_ambisonics(sound: AmbisonicSound, progress: Callable[[int, int], object] | None = None) -> AmbisonicReport:
    """Listen through a file once.

    Args:
        sound: The opened file.
        progress: Called with the seconds done and of all.

    Raises:
        InvalidValueError: The file holds no samples.
        MediaError: It cannot be decoded.
    """
    rate = sound.sampling_rate
    window = round(_WINDOW * rate)
    heard = _Heard((sound.order + 1) ** 2)
    for block in sound.raw_blocks(window * _WINDOWS_A_BLOCK):
        ambix = sound.in_ambix(block)
        heard.add(block, window_covariance(F.pad(ambix, (0, -ambix.shape[1] % window)), window))
        if block.shape[1] >= window:
            heard.band += band_covariance(block, rate, *_BAND)
        if progress:
            progress(heard.samples // rate, max(sound.length, heard.samples) // rate)
    if not heard.samples:
        raise InvalidValueError(explain(f"samples of {sound.name}", "none", "some sound"))
    return _report(sound, heard)


class _Heard:
    """What is kept of a sound while it goes by."""

    def __init__(self, channels: int):
        self.samples = 0
        self.energy = torch.zeros(channels, dtype=torch.float64)
        self.peak = torch.zeros(channels)
        self.band = torch.zeros(channels, channels, dtype=torch.float64)
        self.flows: list[torch.Tensor] = []
        self.flowing = 0.0

    def add(self, block: torch.Tensor, covariance: torch.Tensor) -> None:
        self.samples += block.shape[1]
        self.energy += block.double().square().sum(1)
        self.peak = torch.maximum(self.peak, block.abs().amax(1))
        flow, energy = flow_and_energy(covariance)
        self.flows.append(flow)
        self.flowing += energy.sum().item()


def _report(sound: AmbisonicSound, heard: _Heard) -> AmbisonicReport:
    names = [_LETTERS[index] for index in named_convention(sound.convention).acn_indices(sound.order)]
    rms = (heard.energy / heard.samples).sqrt()
    flows = torch.cat(heard.flows)
    flowing = flows.norm(dim=1).sum().item() / heard.flowing if heard.flowing else 0.0
    told = heard.band.trace() > 0
    other = sound.other_order
    return AmbisonicReport(
        heard.samples / sound.sampling_rate,
        tuple(map(ChannelLevel, names, rms.tolist(), heard.peak.tolist())),
        tuple(dominant_directions(flows)),
        1 - flowing,
        misfits(heard.band) if told else {},
        misfits(heard.band[other][:, other]) if told and other else {},
    )

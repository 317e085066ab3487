"""Sounding scenes: each object has one note, set by its class and size, which every bounce strikes anew."""

from itertools import count

import torch
from torch import Tensor

from .config import AVWorldConfig
from .noise import noise_table
from .objects import NOTE_SECONDS, StruckObjects
from .scenes import Scenes
from .timbres import TIMBRES, Timbre

# Pitch of the largest object, and octaves up to the smallest.
LOWEST_HERTZ = 220.0
OCTAVES = 2.0
# Loudness between the darkest and the brightest object.
LOUDNESS_RANGE_DB = 30.0
FULL_LEVEL = 0.25


def play(scenes: Scenes, start: Tensor, num_samples: int, config: AVWorldConfig) -> Tensor:
    """Sound B scenes, or those heard in their place, from ``start`` (B,) in seconds.

    Returns:
        Samples, (B, num_samples) float32 in [-1, 1].
    """
    scenes = scenes if scenes.heard is None else scenes.heard
    rate = config.sampling_rate
    first = (start * rate).round().long()
    ringing = strike(scenes, first, num_samples, rate, mixed=True)
    table = noise_table().to(ringing.device)
    sample = first[:, None] + torch.arange(num_samples, device=ringing.device)
    hiss = table[(scenes.noise_offset[:, None] + sample) % len(table)]
    return (ringing + scenes.hiss[:, None].float() * hiss).clamp(-1, 1)


def strike(scenes: StruckObjects, first: Tensor, num_samples: int, rate: int, mixed: bool = False) -> Tensor:
    """Sound the notes of all objects at ``rate`` samples a second, from the samples ``first`` (B,) on.

    Returns:
        Each object's sound, (B, O, num_samples); with ``mixed`` their sum, (B, num_samples), which costs less.
    """
    finite = scenes.event_times.isfinite()
    # Transforms are what this costs: none for objects that are never struck.
    struck = finite.any(-1)
    notes = _notes(scenes, struck, rate)
    length = notes.shape[-1]
    # A note struck before the window may still ring in it, so strikes are gathered one note length ahead.
    position = (torch.where(finite, scenes.event_times, 0.0) * rate).round().long() - first[:, None, None] + length
    within = finite & (position >= 0) & (position < num_samples + length)
    force = torch.where(within, scenes.event_strengths, 0.0).float()
    strikes = torch.zeros(len(notes), num_samples + length, device=notes.device)
    strikes.scatter_add_(1, torch.where(within, position, 0)[struck], force[struck])

    # Circular convolution of this length wraps only into the lead-in, which is cut off.
    size = _fast_length(num_samples + length)
    spectrum = torch.fft.rfft(strikes, n=size) * torch.fft.rfft(notes, n=size)
    if mixed:
        rows = struck.nonzero()[:, 0]
        spectrum = spectrum.new_zeros(len(struck), spectrum.shape[1]).index_add_(0, rows, spectrum)
        return torch.fft.irfft(spectrum, n=size)[:, length : length + num_samples]
    objects = notes.new_zeros(*struck.shape, num_samples)
    objects[struck] = torch.fft.irfft(spectrum, n=size)[:, length : length + num_samples]
    return objects


def pitch(scenes: StruckObjects) -> Tensor:
    """Return the note of each object in hertz, (B, O): the smaller, the higher."""
    return LOWEST_HERTZ * 2 ** (OCTAVES * (1 - scenes.size))


def _notes(scenes: StruckObjects, chosen: Tensor, rate: int) -> Tensor:
    """Synthesise the notes of the N objects ``chosen`` (B, O) bool, (N, NOTE_SECONDS * rate)."""
    classes, hertz = scenes.classes[chosen], pitch(scenes)[chosen].float()
    time = torch.arange(int(NOTE_SECONDS * rate), device=classes.device) / rate
    notes = torch.zeros(len(classes), len(time), device=time.device)
    for number in classes.unique().tolist():
        alike = (classes == number).nonzero().squeeze(1)
        notes[alike] = _timbre_notes(TIMBRES[number], hertz[alike], time, rate)
    gain = FULL_LEVEL * 10 ** (LOUDNESS_RANGE_DB * (scenes.brightness[chosen] - 1) / 20)
    # The last tenth fades out, so that no note ends in a click.
    fade = (10 * (1 - time / NOTE_SECONDS)).clamp_max(1)
    return gain[:, None].float() * notes * fade


def _timbre_notes(timbre: Timbre, hertz: Tensor, time: Tensor, rate: int) -> Tensor:
    """Synthesise one timbre at pitches ``hertz`` (M,) over ``time`` (n,), as (M, n) of unit power at the strike."""
    cycles = hertz[:, None] * (time + timbre.glide * time**2 / 2)
    if timbre.fm_index:
        cycles = cycles + timbre.fm_index / (2 * torch.pi) * torch.sin(
            2 * torch.pi * timbre.fm_ratio * hertz[:, None] * time
        )
    note = torch.zeros_like(cycles)
    for ratio, level, decay in timbre.partials:
        audible = (ratio * hertz < 0.45 * rate).float()[:, None]
        note += audible * level * torch.exp(-decay * time) * torch.sin(2 * torch.pi * ratio * cycles)
    if timbre.roughness:
        # Noise that changes with the pitch, times the tone: a band of noise around it.
        table = noise_table().to(time.device)
        note = note * table[(timbre.roughness * cycles).long() % len(table)]
    if timbre.tremolo_hertz:
        note = note * (0.5 + 0.5 * torch.cos(2 * torch.pi * timbre.tremolo_hertz * time))
    power = sum(level**2 for _, level, _ in timbre.partials) / 2
    return note * (time / timbre.attack).clamp_max(1) / power**0.5


def _fast_length(least: int) -> int:
    """Return the next length without a prime factor above 5: Fourier transforms of others take several times longer."""
    return next(length for length in count(least) if 60 ** length.bit_length() % length == 0)

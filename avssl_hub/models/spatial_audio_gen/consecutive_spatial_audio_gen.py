"""Chunks that lie side by side: what their windows share is computed once."""

import math
from collections.abc import Iterator

import torch

from .configuration_spatial_audio_gen import SpatialAudioGenConfig


def shared_spectra(spectra: list[torch.Tensor], first: int, count: int, config: SpatialAudioGenConfig) -> torch.Tensor:
    """Encoded frames ``(count, frames, bins)`` of chunks ``first`` and following, out of ``grid_spectra``."""
    length, hops = len(config.encoded_frames), _hops(config)
    places = [divmod(index, len(spectra)) for index in range(first, first + count)]
    return torch.stack([spectra[grid][hops * turn : hops * turn + length] for turn, grid in places])


def grid_starts(config: SpatialAudioGenConfig) -> Iterator[int]:
    """Where the frames of the first few windows begin, after which a window's frames are some of an earlier one's.

    A chunk of 4800 samples is no whole number of hops of 256, but four of them are: 75. A window shares most of its
    frames with the fourth after it, and none with those between.
    """
    encoded = config.encoded_frames.start * config.hop_length
    return (index * config.chunk_samples + encoded for index in range(_period(config)))


def distinct(frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames ``(N, ...)`` without those that equal the one before, and the place of each among them ``(N,)``."""
    new = (frames[1:] != frames[:-1]).flatten(1).any(1)
    places = torch.cat([new.new_zeros(1, dtype=torch.long), new.long().cumsum(0)])
    return torch.cat([frames[:1], frames[1:][new]]), places


def _period(config: SpatialAudioGenConfig) -> int:
    """Chunks from one to the next whose frames lie on the same grid."""
    return config.hop_length // math.gcd(config.hop_length, config.chunk_samples)


def _hops(config: SpatialAudioGenConfig) -> int:
    return _period(config) * config.chunk_samples // config.hop_length

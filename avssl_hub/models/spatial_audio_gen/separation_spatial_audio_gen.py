"""What is placed: mono sound as it is, or cut into tracks by a u-net's masks on its spectrogram (section 4)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ...audio.stft import overlap_add
from .configuration_spatial_audio_gen import OVERLAP, SpatialAudioGenConfig


class Placed(NamedTuple):
    """Ambisonics ``(B, 3, samples)``, and what they are made of; see ``SpatialAudioGenOutput``."""

    ambisonics: torch.Tensor
    tracks: torch.Tensor | None = None
    masks: torch.Tensor | None = None
    mixtures: torch.Tensor | None = None


class SpatialAudioGenMono(nn.Module):
    """No separation: the sound is the only track."""

    def forward(
        self,
        chunk: torch.Tensor,
        spectrum: torch.Tensor,
        audio_maps: Sequence[torch.Tensor],
        fused: torch.Tensor,
        weights: torch.Tensor,
        biases: torch.Tensor,
    ) -> Placed:
        """Place chunks ``(B, samples)`` by weights ``(B, 3, 1, steps)`` and biases ``(B, 3, steps)``."""
        tracks = chunk[:, None]
        return Placed(place(tracks, weights, biases), tracks)


class SpatialAudioGenUNet(nn.Module):
    """The sound encoder's maps and the fused features to a mask for every track.

    Each layer undoes one of the encoder's, from the last to the first, and hears what that one was given beside it.
    """

    def __init__(self, config: SpatialAudioGenConfig, channels: int):
        super().__init__()
        sizes = config.audio_hidden_sizes
        beside = [*(2 * size for size in sizes[:-1]), sizes[-1] + config.separation_condition_size]
        self.condition = nn.Linear(channels, config.separation_condition_size)
        shapes = zip(beside, [config.num_tracks, *sizes], config.audio_kernel_sizes, config.audio_strides)
        self.layers = nn.ModuleList(nn.ConvTranspose2d(*shape) for shape in reversed(list(shapes)))
        self.masked = masked_slice(config)
        self.chunk = chunk_slice(config)

    def forward(
        self,
        chunk: torch.Tensor,
        spectrum: torch.Tensor,
        audio_maps: Sequence[torch.Tensor],
        fused: torch.Tensor,
        weights: torch.Tensor,
        biases: torch.Tensor,
    ) -> Placed:
        """Separate and place.

        Args:
            chunk: ``(B, samples)``, of which no use is made.
            spectrum: ``(B, frames, bins / 2 + 1)``, all that the sound encoder saw.
            audio_maps: What it made of it.
            fused: ``(B, steps, C)``.
            weights: ``(B, 3, K, steps)``.
            biases: ``(B, 3, steps)``.
        """
        masks = self.masks(audio_maps, fused)
        sounds = masked_tracks(spectrum[:, self.masked], masks.to(spectrum.real.dtype))[..., self.chunk]
        tracks = sounds.to(chunk.dtype)
        return Placed(place(tracks, weights, biases), tracks, masks)

    def masks(self, audio_maps: Sequence[torch.Tensor], fused: torch.Tensor) -> torch.Tensor:
        """Return masks ``(B, K, frames, bins)`` in [0, 1] of the frames to be masked, for both halves of the bins."""
        condition = F.relu(self.condition(fused)).transpose(1, 2)[..., None]
        *skips, last = audio_maps
        hidden = torch.cat([last, condition.expand(-1, -1, -1, last.shape[-1])], 1)
        for layer, skip in zip(self.layers, reversed(skips)):
            hidden = torch.cat([F.relu(layer(hidden)), skip], 1)
        hidden = self.layers[-1](hidden)
        return torch.sigmoid(hidden[:, :, self.masked])


def place(tracks: torch.Tensor, weights: torch.Tensor, biases: torch.Tensor) -> torch.Tensor:
    """Add up tracks ``(B, K, samples)`` by their weights, both held during each step."""
    steps = biases.shape[-1]
    pieces = tracks.unflatten(-1, (steps, -1))
    placed = torch.einsum("bcks,bksn->bcsn", weights, pieces) + biases[..., None]
    return placed.flatten(-2)


def masked_slice(config: SpatialAudioGenConfig) -> slice:
    """Which of the encoded frames are masked."""
    begin = config.masked_frames.start - config.encoded_frames.start
    return slice(begin, begin + len(config.masked_frames))


def chunk_slice(config: SpatialAudioGenConfig) -> slice:
    """Which samples of ``masked_tracks`` are the chunk."""
    # The first sample that all overlapping frames cover is where the last of those frames begins.
    covered = config.masked_frames.start * config.hop_length + config.fft_size - config.hop_length
    begin = config.chunk_start - covered
    return slice(begin, begin + config.chunk_samples)


def both_halves(masks: torch.Tensor) -> torch.Tensor:
    """Mean of masks ``(..., bins)`` over each bin and its mirror image, ``(..., bins / 2 + 1)``."""
    half = masks.shape[-1] // 2 + 1
    # Bin k of a transform of N has its mirror image at N - k.
    mirrored = torch.cat([masks[..., :1], masks[..., half - 1 :].flip(-1)], -1)
    return (masks[..., :half] + mirrored) / 2


def masked_tracks(spectrum: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Sound of masked spectra: as many samples as lie under all overlapping frames.

    Masks need not agree on both halves of the bins. What counts is the real part of the inverse transform, and that is
    of the mean of both. Where masks are one, half of the sound comes out: four windows add up to two, and four is
    divided by.

    Args:
        spectrum: ``(B, frames, bins / 2 + 1)``, the half that a real transform has.
        masks: ``(B, K, frames, bins)``.

    Returns:
        ``(B, K, hop * (frames - 3))``.
    """
    return inverse(both_halves(masks) * spectrum[:, None])


def inverse(spectrum: torch.Tensor) -> torch.Tensor:
    """Sound ``(..., samples)`` of spectra ``(..., frames, bins / 2 + 1)``, where all overlapping frames cover it."""
    frames = torch.fft.irfft(spectrum)
    hop = frames.shape[-1] // OVERLAP
    partly = (OVERLAP - 1) * hop
    return overlap_add(frames, hop)[..., partly:-partly] / OVERLAP

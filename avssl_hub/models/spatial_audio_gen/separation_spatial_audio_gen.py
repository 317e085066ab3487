"""The u-net that cuts mono sound into tracks by masks on its spectrogram (section 4 of the paper)."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ...audio.stft import overlap_add
from .configuration_spatial_audio_gen import OVERLAP, SpatialAudioGenConfig


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
        begin = config.masked_frames.start - config.encoded_frames.start
        self.masked = slice(begin, begin + len(config.masked_frames))

    def forward(self, audio_maps: Sequence[torch.Tensor], fused: torch.Tensor) -> torch.Tensor:
        """Return masks ``(B, K, frames, bins)`` in [0, 1] of the frames to be masked, for both halves of the bins."""
        condition = F.relu(self.condition(fused)).transpose(1, 2)[..., None]
        *skips, last = audio_maps
        hidden = torch.cat([last, condition.expand(-1, -1, -1, last.shape[-1])], 1)
        for layer, skip in zip(self.layers, reversed(skips)):
            hidden = torch.cat([F.relu(layer(hidden)), skip], 1)
        hidden = self.layers[-1](hidden)
        return torch.sigmoid(hidden[:, :, self.masked])


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
    half = spectrum.shape[-1]
    # Bin k of a transform of N has its mirror image at N - k.
    mirrored = torch.cat([masks[..., :1], masks[..., half - 1 :].flip(-1)], -1)
    masks = (masks[..., :half] + mirrored) / 2
    frames = torch.fft.irfft(masks * spectrum[:, None])
    hop = frames.shape[-1] // OVERLAP
    partly = (OVERLAP - 1) * hop
    return overlap_add(frames, hop)[..., partly:-partly] / OVERLAP

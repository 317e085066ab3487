"""The u-net that separates spectrograms (section 6 of the paper)."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ...layers.same_padding import SameConv2d, SameConvTranspose2d
from ...video.legacy_resize import resize_linear
from .configuration_multisensory import MultisensoryConfig
from .norm_multisensory import BatchRenorm


class UNetNorm(BatchRenorm):
    """Batch renormalisation by the u-net's settings; its scale begins near 1 where the network's is 1."""

    def __init__(self, config: MultisensoryConfig, channels: int):
        super().__init__(channels, config.unet_batch_norm_eps, config.batch_norm_momentum, config.renorm_momentum)


class UNetLayer(nn.Module):
    """A convolution or its transpose with batch normalisation; activations lie before or after, as its user needs."""

    def __init__(self, config: MultisensoryConfig, kind: type, in_channels: int, channels: int, time_stride: int):
        super().__init__()
        self.conv = kind(in_channels, channels, 4, (time_stride, 2), bias=False)
        self.norm = UNetNorm(config, channels)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(hidden))


class SpectrogramUNet(nn.Module):
    """From the mixture's spectrogram ``(B, 2, time, bins)`` to those of two sources.

    Args:
        config: The configuration.
        video_sizes: Channels of the video features that come in after ``config.unet_video_layers``; none for
            separation without a picture.
    """

    def __init__(self, config: MultisensoryConfig, video_sizes: Sequence[int] = ()):
        super().__init__()
        sizes, strides = config.unet_hidden_sizes, config.unet_time_strides
        self.video_layers = config.unet_video_layers[: len(video_sizes)]
        skipped = list(sizes)
        for layer, channels in zip(self.video_layers, video_sizes):
            skipped[layer] += channels
        self.encoder = nn.ModuleList(
            UNetLayer(config, SameConv2d, *shape) for shape in zip([2, *skipped], sizes, strides)
        )
        # Each layer of the decoder undoes one of the encoder, from the last to the second.
        beside_skips = [channels + skip for channels, skip in zip(sizes, skipped)]
        self.decoder = nn.ModuleList(
            UNetLayer(config, SameConvTranspose2d, *shape)
            for shape in zip([sizes[-1], *beside_skips[-2:0:-1]], sizes[-2::-1], strides[:0:-1])
        )
        self.on_screen, self.off_screen = (
            SameConvTranspose2d(beside_skips[0], 2, 4, (strides[0], 2)) for _ in ("on_screen", "off_screen")
        )

    def forward(
        self, spectrogram: torch.Tensor, video_features: Sequence[torch.Tensor] = ()
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Separate normalised level and phase, with ``(B, C, time)`` video features of each scale."""
        scales = dict(zip(self.video_layers, video_features))
        skips, hidden = [], spectrogram
        for index, layer in enumerate(self.encoder):
            normalised = layer(hidden)
            hidden = F.leaky_relu(normalised, 0.2)
            if index in scales:
                hidden = _beside(hidden, scales[index])
            # A skip connection passes what is before the activation, but after it where video was added.
            skips.append(hidden if index in scales else normalised)
        skips.pop()
        for layer in self.decoder:
            hidden = F.relu(hidden)
            hidden = torch.cat([layer(hidden), skips.pop()], 1)
        hidden = F.relu(hidden)
        return self.on_screen(hidden), self.off_screen(hidden)


def _beside(hidden: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Put video features, brought to the length of the sound's, beside those of every frequency."""
    time, bins = hidden.shape[-2:]
    features = resize_linear(features, time)[..., None].expand(*features.shape[:2], time, bins)
    if hidden.is_contiguous(memory_format=torch.channels_last):
        # Parts of one layout are put together in it.
        features = features.contiguous(memory_format=torch.channels_last)
    return torch.cat([hidden, features], 1)

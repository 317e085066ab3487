"""Separation networks whose result is known: a u-net that shares out what it is given, in place of a learned one."""

import torch
from torch import nn

from avssl_hub.models.multisensory import (
    MultisensoryConfig,
    MultisensoryForSourceSeparation,
    MultisensoryProcessor,
    SpectrogramUNetForSeparation,
)
from tests.models.test_multisensory import SMALL

RATE = 21000
SPLIT = 3000.0  # hertz, between the two tracks of ``ByPitch``


class Shares(nn.Module):
    """Gives both tracks the mixture, lower by 6 dB and by 12 dB."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))  # a network's parameters tell its type

    def forward(self, spectrogram, video_features=()):
        return tuple(self.lowered(spectrogram, decibels) for decibels in (6.0, 12.0))

    @staticmethod
    def lowered(spectrogram, decibels):
        level, phase = spectrogram.unbind(1)
        level = level - decibels / 90  # levels of 180 decibels are scaled to [-1, 1]
        return torch.stack([level, phase], 1).clamp(-0.999999, 0.999999).atanh()


class ByPitch(Shares):
    """Gives one track what is below ``SPLIT`` and the other the rest, and swaps them at every other window."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, spectrogram, video_features=()):
        low = torch.arange(spectrogram.shape[-1]) * RATE / SMALL["fft_size"] < SPLIT
        tracks = []
        for chosen in (low, ~low):
            level, phase = spectrogram.unbind(1)
            tracks.append(self.lowered(torch.stack([level.where(chosen, torch.tensor(-1.0)), phase], 1), 0.0))
        self.calls += 1
        return tuple(tracks if self.calls % 2 else reversed(tracks))


class Watched(MultisensoryForSourceSeparation):
    """Remembers the pictures it was shown and the sounds it heard."""

    def forward(self, pixel_values_videos, input_values, **kwargs):
        self.seen = [*getattr(self, "seen", []), *pixel_values_videos]
        self.heard = [*getattr(self, "heard", []), *input_values]
        return super().forward(pixel_values_videos, input_values, **kwargs)


def seeing(unet=None) -> Watched:
    """Make a small network that sees, with this u-net or its own random one."""
    return _made(Watched, MultisensoryConfig.separation(**SMALL), unet)


def blind(unet=None) -> SpectrogramUNetForSeparation:
    """Make a small blind network, with this u-net or its own random one."""
    return _made(SpectrogramUNetForSeparation, MultisensoryConfig.blind_separation(**SMALL), unet)


def processor(**changes) -> MultisensoryProcessor:
    """Make windows of 30 frames, 21021 samples: 998 frames of a spectrogram, of which the u-net can halve 992."""
    settings = {"num_frames": 30, "resize_size": 32, "crop_size": 32, "sampling_rate": RATE, "rms": 0.1}
    return MultisensoryProcessor(**{**settings, **changes})


def _made(model_class, config, unet):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_class(config).eval()
    if unet is not None:
        model.unet = unet
    return model

"""Where sound, picture and flow meet, and what places the tracks (section 4 of the paper)."""

from itertools import pairwise
from math import prod

import torch
from torch import nn
from torch.nn import functional as F

from .configuration_spatial_audio_gen import SpatialAudioGenConfig

# Y, Z and X, which are missing where only W is known.
PREDICTED_CHANNELS = 3


class VisualFeatures(nn.Module):
    """A visual map ``(B, C, H, W)`` to a vector that still knows places."""

    def __init__(self, config: SpatialAudioGenConfig):
        super().__init__()
        self.reduce = nn.Linear(config.video_hidden_sizes[-1], config.fusion_reduced_size)
        self.project = nn.Linear(prod(config.visual_map_size) * config.fusion_reduced_size, config.fusion_visual_size)

    def forward(self, visual_map: torch.Tensor) -> torch.Tensor:
        reduced = F.relu(self.reduce(visual_map.movedim(1, -1)))
        return F.relu(self.project(reduced.flatten(1)))


class SpatialAudioGenFusion(nn.Module):
    """The encoders' last maps to features ``(B, steps, C)``, those of the sound first."""

    def __init__(self, config: SpatialAudioGenConfig):
        super().__init__()
        channels = config.audio_hidden_sizes[-1] * config.audio_map_sizes[-1][1]
        self.audio = nn.Linear(channels, config.fusion_audio_size)
        self.visual = nn.ModuleDict({name: VisualFeatures(config) for name in config.encoders if name != "audio"})
        self.channels = config.fusion_audio_size + len(self.visual) * config.fusion_visual_size

    def forward(self, audio_map: torch.Tensor, visual_maps: dict[str, torch.Tensor]) -> torch.Tensor:
        # Frequencies are flattened with the channels innermost, as are the places of pictures.
        heard = F.relu(self.audio(audio_map.permute(0, 2, 3, 1).flatten(2)))
        steps = heard.shape[1]
        seen = [
            self.visual[name](visual_map)[:, None].expand(-1, steps, -1) for name, visual_map in visual_maps.items()
        ]
        return torch.cat([heard, *seen], -1)


class PlacingLayer(nn.Linear):
    """The last layer, of first weights of its own."""


class SpatialAudioGenLocalization(nn.Module):
    """Features ``(B, steps, C)`` to the weight of each track in each channel and an offset for each channel."""

    def __init__(self, config: SpatialAudioGenConfig, channels: int):
        super().__init__()
        sizes = [channels, *config.localization_hidden_sizes]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.output = PlacingLayer(sizes[-1], PREDICTED_CHANNELS * (config.num_tracks + 1))

    def forward(self, fused: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weights ``(B, 3, K, steps)`` and biases ``(B, 3, steps)``."""
        for layer in self.layers:
            fused = F.relu(layer(fused))
        placed = self.output(fused).unflatten(-1, (PREDICTED_CHANNELS, -1)).movedim(1, -1)
        return placed[:, :, :-1], placed[:, :, -1]

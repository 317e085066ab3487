"""Sound tower of plain convolutions over a spectrogram, without shortcuts (arXiv 2004.12943, 2011.01819)."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer


class AudioTowerConfig(Protocol):
    """What the tower reads from its model's configuration."""

    audio_num_channels: int
    audio_hidden_sizes: Sequence[int]
    audio_strides: Sequence[int]
    batch_norm_eps: float
    batch_norm_momentum: float


class AudioStem(nn.Module):
    def __init__(self, config: AudioTowerConfig):
        super().__init__()
        self.conv = nn.Conv2d(config.audio_num_channels, config.audio_hidden_sizes[0], 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(config.audio_hidden_sizes[0], config.batch_norm_eps, config.batch_norm_momentum)

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(spectrogram)))


class AudioBlock(GradientCheckpointingLayer):
    """Two convolutions, each normalised and rectified."""

    def __init__(self, config: AudioTowerConfig, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels, config.batch_norm_eps, config.batch_norm_momentum)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels, config.batch_norm_eps, config.batch_norm_momentum)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = F.relu(self.norm1(self.conv1(hidden)))
        return F.relu(self.norm2(self.conv2(hidden)))


class AudioTower(nn.Module):
    """``(B, C, time, frequency)`` to five feature maps: the stem's and those of four blocks."""

    def __init__(self, config: AudioTowerConfig):
        super().__init__()
        self.stem = AudioStem(config)
        widths = [config.audio_hidden_sizes[0], *config.audio_hidden_sizes]
        self.blocks = nn.ModuleList(
            AudioBlock(config, *sizes, stride)
            for *sizes, stride in zip(widths, config.audio_hidden_sizes, config.audio_strides)
        )

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = [self.stem(spectrogram)]
        for block in self.blocks:
            features.append(block(features[-1]))
        return tuple(features)

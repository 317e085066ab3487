"""What hears and what sees: the sound encoder and the ResNet-18 for pictures and for flow (section 4 of the paper)."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from ...layers.same_padding import SameConv2d, same_max_pool
from .configuration_spatial_audio_gen import SpatialAudioGenConfig
from .norm_spatial_audio_gen import GroupedBatchNorm


class SpatialAudioGenAudioEncoder(nn.Module):
    """Magnitudes ``(B, 1, time, frequency)`` to the maps of all layers."""

    def __init__(self, config: SpatialAudioGenConfig):
        super().__init__()
        sizes = pairwise([1, *config.audio_hidden_sizes])
        kernels = zip(sizes, config.audio_kernel_sizes, config.audio_strides)
        self.layers = nn.ModuleList(nn.Conv2d(*channels, kernel, stride) for channels, kernel, stride in kernels)

    def forward(self, magnitude: torch.Tensor) -> tuple[torch.Tensor, ...]:
        maps = [magnitude]
        for layer in self.layers:
            maps.append(F.relu(layer(maps[-1])))
        return tuple(maps[1:])


class ConvNorm(nn.Module):
    """Convolution without bias, and batch normalisation."""

    def __init__(
        self, config: SpatialAudioGenConfig, in_channels: int, channels: int, kernel_size: int, stride: int = 1
    ):
        super().__init__()
        self.conv = SameConv2d(in_channels, channels, kernel_size, stride, bias=False)
        self.norm = GroupedBatchNorm(channels, config.batch_norm_eps, config.batch_norm_momentum)

    def forward(self, hidden: torch.Tensor, group_size: int | None) -> torch.Tensor:
        return self.norm(self.conv(hidden), group_size)


class SpatialAudioGenVisualBlock(GradientCheckpointingLayer):
    """The basic residual block; a shortcut that changes the size is a bare convolution, without normalisation."""

    def __init__(self, config: SpatialAudioGenConfig, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = ConvNorm(config, in_channels, channels, 3, stride)
        self.conv2 = ConvNorm(config, channels, channels, 3)
        self.shortcut = SameConv2d(in_channels, channels, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, hidden: torch.Tensor, group_size: int | None) -> torch.Tensor:
        out = self.conv2(F.relu(self.conv1(hidden, group_size)), group_size)
        return F.relu(out + self.shortcut(hidden))


def _blocks(config: SpatialAudioGenConfig) -> Iterator[SpatialAudioGenVisualBlock]:
    before = config.video_hidden_sizes[0]
    for stage, channels in enumerate(config.video_hidden_sizes):
        yield SpatialAudioGenVisualBlock(config, before, channels, stride=2 if stage else 1)
        yield SpatialAudioGenVisualBlock(config, channels, channels, stride=1)
        before = channels


class SpatialAudioGenVisualEncoder(nn.Module):
    """Frames ``(B, 3, H, W)`` to the maps of the residual blocks, the last at a 32nd of the size."""

    def __init__(self, config: SpatialAudioGenConfig):
        super().__init__()
        self.stem = ConvNorm(config, 3, config.video_hidden_sizes[0], 7, 2)
        self.blocks = nn.ModuleList(_blocks(config))

    def forward(self, frames: torch.Tensor, group_size: int | None) -> tuple[torch.Tensor, ...]:
        maps = [same_max_pool(F.relu(self.stem(frames, group_size)), 3, 2)]
        for block in self.blocks:
            maps.append(block(maps[-1], group_size))
        return tuple(maps[1:])

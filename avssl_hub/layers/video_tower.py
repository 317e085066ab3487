"""R(2+1)D video tower: an uncut 3D stem, then residual blocks that look at space and time in turn.

Morgado, Vasconcelos and Misra (CVPR 2021, arXiv 2004.12943) use it, and Morgado, Li and Vasconcelos (NeurIPS 2020,
arXiv 2011.01819).
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer


class VideoTowerConfig(Protocol):
    """What the tower reads from its model's configuration."""

    video_num_channels: int
    video_hidden_sizes: Sequence[int]
    video_blocks: Sequence[int]
    video_stem_pool: bool
    batch_norm_eps: float
    batch_norm_momentum: float


class VideoStem(nn.Module):
    def __init__(self, config: VideoTowerConfig):
        super().__init__()
        self.conv = nn.Conv3d(
            config.video_num_channels,
            config.video_hidden_sizes[0],
            (3, 7, 7),
            (1, 2, 2),
            (1, 3, 3),
            bias=False,
        )
        self.norm = nn.BatchNorm3d(config.video_hidden_sizes[0], config.batch_norm_eps, config.batch_norm_momentum)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if config.video_stem_pool else nn.Identity()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.pool(F.relu(self.norm(self.conv(pixels))))


class VideoBlock(GradientCheckpointingLayer):
    """Residual block without a middle width, normalised after the addition, with a bare shortcut."""

    def __init__(self, config: VideoTowerConfig, in_channels: int, channels: int, stride: int):
        super().__init__()

        def spatial(width: int, step: int) -> nn.Conv3d:
            return nn.Conv3d(width, channels, (1, 3, 3), (1, step, step), (0, 1, 1), bias=False)

        def temporal(step: int) -> nn.Conv3d:
            return nn.Conv3d(channels, channels, (3, 1, 1), (step, 1, 1), (1, 0, 0), bias=False)

        def norm() -> nn.BatchNorm3d:
            return nn.BatchNorm3d(channels, config.batch_norm_eps, config.batch_norm_momentum)

        self.spatial_conv1, self.spatial_norm1 = spatial(in_channels, stride), norm()
        self.temporal_conv1, self.temporal_norm1 = temporal(stride), norm()
        self.spatial_conv2, self.spatial_norm2 = spatial(channels, 1), norm()
        self.temporal_conv2 = temporal(1)
        self.norm = norm()
        self.shortcut = None
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Conv3d(in_channels, channels, 1, stride, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        shortcut = hidden if self.shortcut is None else self.shortcut(hidden)
        hidden = F.relu(self.spatial_norm1(self.spatial_conv1(hidden)))
        hidden = F.relu(self.temporal_norm1(self.temporal_conv1(hidden)))
        hidden = F.relu(self.spatial_norm2(self.spatial_conv2(hidden)))
        return F.relu(self.norm(self.temporal_conv2(hidden) + shortcut))


class VideoTower(nn.Module):
    """``(B, C, T, H, W)`` to five feature maps: the stem's and those of four stages."""

    def __init__(self, config: VideoTowerConfig):
        super().__init__()
        self.stem = VideoStem(config)
        self.stages = nn.ModuleList()
        width = config.video_hidden_sizes[0]
        for index, (channels, blocks) in enumerate(zip(config.video_hidden_sizes, config.video_blocks)):
            first = VideoBlock(config, width, channels, stride=1 if index == 0 else 2)
            rest = [VideoBlock(config, channels, channels, stride=1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(first, *rest))
            width = channels

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = [self.stem(pixels)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return tuple(features)

"""The parts of the audio-visual network (section 3 of the paper): sound branch, video branch, fusion, blocks."""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from ...layers.same_padding import SameConv1d, SameConv3d, same_padding
from .configuration_multisensory import MultisensoryConfig
from .norm_multisensory import BatchNorm, BatchRenorm
from .pooling_multisensory import FractionalMaxPool

COMPANDING = 255


def compand(samples: torch.Tensor) -> torch.Tensor:
    """Companding of the mu-law, of samples in [-1, 1] to [-1, 1]."""
    return samples.sign() * torch.log1p(COMPANDING * samples.abs()) / math.log1p(COMPANDING)


class ConvNorm(nn.Module):
    """Convolution without bias, batch normalisation and, unless told otherwise, ReLU."""

    def __init__(self, config: MultisensoryConfig, conv: SameConv1d | SameConv3d, activate: bool = True):
        super().__init__()
        self.conv, self.activate = conv, activate
        self.norm = BatchNorm(
            conv.out_channels, config.batch_norm_eps, config.batch_norm_momentum, config.batch_norm_scale
        )

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(self.conv(hidden))
        return F.relu(hidden) if self.activate else hidden


def renorm(config: MultisensoryConfig, channels: int) -> BatchRenorm:
    """The normalisation that closes a block."""
    momenta = config.batch_norm_momentum, config.renorm_momentum
    return BatchRenorm(channels, config.batch_norm_eps, *momenta, config.batch_norm_scale)


class MultisensoryResidual(GradientCheckpointingLayer):
    """Two convolutions, the second bare, beside a shortcut that is convolved only where the channels change."""

    def __init__(
        self,
        config: MultisensoryConfig,
        conv: type[SameConv1d | SameConv3d],
        in_channels: int,
        channels: int,
        kernel_size: int,
        stride: tuple[int, ...],
    ):
        super().__init__()
        self.stride = stride
        self.conv1 = ConvNorm(config, conv(in_channels, channels, kernel_size, stride, bias=False))
        self.conv2 = conv(channels, channels, kernel_size)
        self.shortcut = None
        if in_channels != channels:
            self.shortcut = ConvNorm(config, conv(in_channels, channels, 1, stride, bias=False), activate=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        if self.shortcut is None:
            shortcut = hidden[(..., *(slice(None, None, step) for step in self.stride))]
        else:
            shortcut = self.shortcut(hidden)
        return self.conv2(self.conv1(hidden)) + shortcut


class MultisensoryBlock(nn.Module):
    """Residual block, normalised after the addition.

    The normalisation stays outside what checkpointing computes again: batch renormalisation would then see averages
    that the first pass moved.
    """

    def __init__(
        self,
        config: MultisensoryConfig,
        conv: type[SameConv1d | SameConv3d],
        in_channels: int,
        channels: int,
        kernel_size: int,
        stride: tuple[int, ...],
    ):
        super().__init__()
        self.residual = MultisensoryResidual(config, conv, in_channels, channels, kernel_size, stride)
        self.norm = renorm(config, channels)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.residual(hidden)))


class MultisensoryAudioBranch(nn.Module):
    """Sound ``(B, C, samples)`` to features as long as the picture's."""

    def __init__(self, config: MultisensoryConfig):
        super().__init__()
        sizes = config.audio_hidden_sizes
        self.stem = ConvNorm(config, SameConv1d(config.audio_num_channels, sizes[0], 65, 4, bias=False))
        # The one layer without padding: samples at the end that fill no window are dropped.
        self.pool = nn.MaxPool1d(4, 4)
        self.blocks = nn.ModuleList(
            MultisensoryBlock(config, SameConv1d, *pair, 15, (4,)) for pair in pairwise(sizes[:4])
        )
        self.align = FractionalMaxPool()
        self.output = ConvNorm(config, SameConv1d(sizes[3], sizes[4], 3, 1, bias=False))

    def forward(self, samples: torch.Tensor, num_frames: int) -> tuple[torch.Tensor, ...]:
        features = [self.stem(compand(samples))]
        hidden = self.pool(features[0])
        for block in self.blocks:
            hidden = block(hidden)
            features.append(hidden)
        return *features, self.output(self.align(hidden, num_frames))


class MultisensoryVideoBranch(nn.Module):
    """Frames ``(B, C, T, H, W)`` to the features before the fusion."""

    def __init__(self, config: MultisensoryConfig):
        super().__init__()
        width = config.video_hidden_sizes[0]
        self.stem = ConvNorm(config, SameConv3d(config.video_num_channels, width, (5, 7, 7), 2, bias=False))
        self.pool = VideoPool()
        self.blocks = nn.ModuleList(
            MultisensoryBlock(config, SameConv3d, width, width, 3, (stride,) * 3) for stride in (1, 2)
        )

    def forward(self, pixels: torch.Tensor, all_maps: bool = True) -> tuple[torch.Tensor, ...]:
        """Return the maps of the stem and of both blocks, or the last alone."""
        hidden = self.stem(pixels)
        maps = [hidden] if all_maps else []
        hidden = self.pool(hidden)
        for block in self.blocks:
            hidden = block(hidden)
            maps.append(hidden)
        return tuple(maps if all_maps else maps[-1:])


class VideoPool(nn.Module):
    """Spatial max pool with SAME padding."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        # Where one element is missing, and that is behind, the last window is cut short instead of a copy padded.
        before = [same_padding(size, 3, 2)[0] for size in hidden.shape[-2:]]
        return F.max_pool3d(hidden, (1, 3, 3), (1, 2, 2), (0, *before), ceil_mode=True)


class MultisensoryFusion(nn.Module):
    """Sound is put beside the picture at every place, and both are mixed by a residual pair of layers."""

    def __init__(self, config: MultisensoryConfig):
        super().__init__()
        video, channels = config.video_hidden_sizes[:2]
        sound = config.audio_hidden_sizes[-1]
        self.expand = ConvNorm(config, SameConv3d(video + sound, config.fusion_hidden_size, 1, bias=False))
        self.project = SameConv3d(config.fusion_hidden_size, channels, 1)
        self.norm = renorm(config, channels)
        self.skipped = config.sound_past_fusion

    def forward(self, video: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
        """Fuse ``(B, C, T, H, W)`` with ``(B, C', T)``."""
        sound = sound[..., None, None].expand(*sound.shape, *video.shape[-2:])
        hidden = self.project(self.expand(torch.cat([video, sound], 1)))
        # Past the layers go all channels of the picture, and only the last of the sound.
        return F.relu(self.norm(hidden + torch.cat([video, sound[:, -self.skipped :]], 1)))


def fused_blocks(config: MultisensoryConfig) -> nn.ModuleList:
    """The blocks after the fusion: stages three to five, of two blocks each."""
    _, three, four, five = config.video_hidden_sizes
    shapes = [
        (three, three, (1, 1, 1)),
        (three, three, (1, 1, 1)),
        (three, four, (2, 2, 2)),
        (four, four, (1, 1, 1)),
        (four, five, (1, config.last_stage_stride, config.last_stage_stride)),
        (five, five, (1, 1, 1)),
    ]
    return nn.ModuleList(MultisensoryBlock(config, SameConv3d, *sizes, 3, stride) for *sizes, stride in shapes)

"""Faster equal forms of the video and the sound tower for inference: folded and channels-last.

A (1, 3, 3) convolution is a two-dimensional one over all frames, a (3, 1, 1) convolution a two-dimensional one over
(time, position). Kept as ``(B, T, H, W, C)``, activations pass between the two as views, and CPU kernels for
two-dimensional channels-last convolutions are about twice as fast as the three-dimensional ones.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .audio_tower import AudioTower
from .folding import channels_last, folded, scale_of
from .video_tower import VideoBlock, VideoTower


class _Convolution(nn.Module):
    """A convolution with its normalisation folded in and its weight laid out channels-last."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, stride, padding):
        super().__init__()
        self.register_buffer("weight", channels_last(weight))
        self.register_buffer("bias", bias)
        self.stride, self.padding = stride, padding
        self._convolve = F.conv3d if weight.ndim == 5 else F.conv2d

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self._convolve(hidden, self.weight, self.bias, self.stride, self.padding)


def _spatial(hidden: torch.Tensor, convolution: _Convolution) -> torch.Tensor:
    B, T, H, W, C = hidden.shape
    out = convolution(hidden.reshape(B * T, H, W, C).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return out.reshape(B, T, *out.shape[1:])


def _temporal(hidden: torch.Tensor, convolution: _Convolution) -> torch.Tensor:
    B, T, H, W, C = hidden.shape
    out = convolution(hidden.reshape(B, T, H * W, C).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return out.reshape(B, out.shape[1], H, W, out.shape[3])


class _FoldedVideoBlock(nn.Module):
    def __init__(self, block: VideoBlock):
        super().__init__()
        self.time_stride = block.temporal_conv1.stride[0]
        space_stride = block.spatial_conv1.stride[1]
        self.spatial1 = self._spatial(*folded(block.spatial_conv1, block.spatial_norm1), space_stride)
        self.temporal1 = self._temporal(*folded(block.temporal_conv1, block.temporal_norm1), self.time_stride)
        self.spatial2 = self._spatial(*folded(block.spatial_conv2, block.spatial_norm2), 1)
        # The last normalisation acts on the sum: its scale goes into both summands, its offset into one.
        self.temporal2 = self._temporal(*folded(block.temporal_conv2, block.norm), 1)
        scale = scale_of(block.norm)
        self.register_buffer("scale", scale)
        self.shortcut = None
        if block.shortcut is not None:
            weight = block.shortcut.weight.detach()[:, :, 0] * scale[:, None, None, None]
            self.shortcut = _Convolution(weight, None, block.shortcut.stride[1:], 0)

    @staticmethod
    def _spatial(weight, bias, stride) -> _Convolution:
        return _Convolution(weight[:, :, 0], bias, (stride, stride), (1, 1))

    @staticmethod
    def _temporal(weight, bias, stride) -> _Convolution:
        return _Convolution(weight[..., 0], bias, (stride, 1), (1, 0))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        residual = hidden
        hidden = _spatial(hidden, self.spatial1).relu_()
        hidden = _temporal(hidden, self.temporal1).relu_()
        hidden = _spatial(hidden, self.spatial2).relu_()
        hidden = _temporal(hidden, self.temporal2)
        if self.shortcut is None:
            return hidden.addcmul_(residual, self.scale).relu_()
        return hidden.add_(_spatial(residual[:, :: self.time_stride], self.shortcut)).relu_()


class FoldedVideoTower(nn.Module):
    """``VideoTower`` in evaluation mode, folded and on two-dimensional channels-last views."""

    def __init__(self, tower: VideoTower):
        super().__init__()
        stem = tower.stem
        self.stem = _Convolution(*folded(stem.conv, stem.norm), stem.conv.stride, stem.conv.padding)
        self.pool = stem.pool
        self.stages = nn.ModuleList(nn.Sequential(*map(_FoldedVideoBlock, stage)) for stage in tower.stages)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        # The early maps are large: one clip at a time they stay near the cache, in memory that is used again. The
        # late ones are small, and are fastest all at once.
        early = [self._early(clip) for clip in pixels.split(1)]
        features = [torch.cat(maps) for maps in zip(*early)]
        for stage in self.stages[1:]:
            features.append(stage(features[-1]))
        return tuple(feature.permute(0, 4, 1, 2, 3) for feature in features)

    def _early(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.stem(pixels.contiguous(memory_format=torch.channels_last_3d))
        # Rectified after pooling, which gives the same on a quarter of the values.
        hidden = self.pool(hidden).relu_().permute(0, 2, 3, 4, 1)
        return hidden, self.stages[0](hidden)


class FoldedAudioTower(nn.Module):
    """``AudioTower`` in evaluation mode, folded and channels-last."""

    def __init__(self, tower: AudioTower):
        super().__init__()
        pairs = [(tower.stem.conv, tower.stem.norm)]
        for block in tower.blocks:
            pairs += [(block.conv1, block.norm1), (block.conv2, block.norm2)]
        self.convolutions = nn.ModuleList(
            _Convolution(*folded(conv, norm), conv.stride, conv.padding) for conv, norm in pairs
        )

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hidden = spectrogram.contiguous(memory_format=torch.channels_last)
        # One at a time as long as the maps are large, as in the video tower.
        early = [_outputs(item, self.convolutions[:2]) for item in hidden.split(1)]
        stem, hidden = (torch.cat(maps) for maps in zip(*early))
        return stem, *_outputs(hidden, self.convolutions[2:])[::2]


def _outputs(hidden: torch.Tensor, convolutions: nn.ModuleList) -> list[torch.Tensor]:
    """Rectified output of each convolution in a row."""
    outputs = []
    for convolution in convolutions:
        hidden = convolution(hidden).relu_()
        outputs.append(hidden)
    return outputs

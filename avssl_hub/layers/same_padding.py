"""Convolutions padded as TensorFlow's SAME: by the size of the input, the odd element at the end."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn
from torch.nn import functional as F


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Elements to put before and behind an axis so that ``ceil(size / stride)`` windows fit."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def same_pieces(
    hidden: torch.Tensor, kernel_size: Sequence[int], stride: Sequence[int], outputs: int
) -> Iterator[torch.Tensor]:
    """Cut ``(B, C, L, ...)`` along L, padded, so that windows without padding give ``outputs`` elements a piece.

    What they give of all pieces, one behind the other, is the whole convolution; the last piece may be shorter.
    """
    length = hidden.shape[2]
    padding = [same_padding(*axis) for axis in zip(hidden.shape[2:], kernel_size, stride)]
    count = -(-length // stride[0])
    for first in range(0, count, outputs):
        begin = first * stride[0] - padding[0][0]
        end = (min(first + outputs, count) - 1) * stride[0] - padding[0][0] + kernel_size[0]
        outside = max(-begin, 0), max(end - length, 0)
        yield _pad(hidden[:, :, max(begin, 0) : end], [outside, *padding[1:]])


def _pad(hidden: torch.Tensor, padding: list[tuple[int, int]]) -> torch.Tensor:
    flat = [count for pair in reversed(padding) for count in pair]
    return F.pad(hidden, flat) if any(flat) else hidden


def _convolve(function: Callable, layer: nn.modules.conv._ConvNd, hidden: torch.Tensor) -> torch.Tensor:
    padding = [same_padding(*axis) for axis in zip(hidden.shape[2:], layer.kernel_size, layer.stride)]
    # A convolution pads both sides alike at no cost; only what is uneven is copied.
    even = [before == after for before, after in padding]
    hidden = _pad(hidden, [(0, 0) if same else pair for same, pair in zip(even, padding)])
    inside = [pair[0] if same else 0 for same, pair in zip(even, padding)]
    return function(hidden, layer.weight, layer.bias, layer.stride, inside)


def same_max_pool(hidden: torch.Tensor, size: int, stride: int) -> torch.Tensor:
    """Take the maximum over windows of ``(B, C, H, W)``, each axis to ``ceil(length / stride)``.

    Windows have to overlap or touch, and ``stride`` to be above 1.
    """
    # What is missing behind cuts the last window short; nothing that pads can be its maximum.
    before = [same_padding(length, size, stride)[0] for length in hidden.shape[2:]]
    return F.max_pool2d(hidden, size, stride, before, ceil_mode=True)


class SameConv1d(nn.Conv1d):
    """A convolution of ``(B, C, L)`` to ``(B, C', ceil(L / stride))``."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return _convolve(F.conv1d, self, hidden)


class SameConv2d(nn.Conv2d):
    """A convolution of ``(B, C, H, W)``, each axis to ``ceil(size / stride)``."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return _convolve(F.conv2d, self, hidden)


class SameConv3d(nn.Conv3d):
    """A convolution of ``(B, C, T, H, W)``, each axis to ``ceil(size / stride)``."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return _convolve(F.conv3d, self, hidden)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """The transpose of ``SameConv2d``: ``(B, C, H, W)``, each axis to ``size * stride``."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        sizes = [size * stride for size, stride in zip(hidden.shape[2:], self.stride)]
        # What the convolution would pad before is cut at the start, and the rest at the end.
        before = [same_padding(*axis)[0] for axis in zip(sizes, self.kernel_size, self.stride)]
        whole = F.conv_transpose2d(hidden, self.weight, self.bias, self.stride, before)
        return whole[:, :, : sizes[0], : sizes[1]]

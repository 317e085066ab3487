"""The u-net in its form for inference: for those frames alone that are masked."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ...layers.folding import channels_last
from .configuration_spatial_audio_gen import SpatialAudioGenConfig
from .separation_spatial_audio_gen import Placed, SpatialAudioGenUNet, both_halves, chunk_slice, inverse, masked_slice


class CroppedUNet(nn.Module):
    """``SpatialAudioGenUNet`` without tracks and masks.

    Of the 127 frames that are encoded 28 are masked, and each layer is computed only where they need it. The last
    is a convolution whose channels are the places within its stride. Its masks are mixed by the weights of the
    tracks, so that nine spectra a frame are transformed back and not one for each track.
    """

    def __init__(self, unet: SpatialAudioGenUNet, config: SpatialAudioGenConfig):
        super().__init__()
        *inner, last = unet.layers
        self.condition, self.layers = unet.condition, nn.ModuleList(inner)
        self.bins, self.frames, self.chunk = config.fft_size, masked_slice(config), chunk_slice(config)

        self.stride = last.stride
        # Whole strides of the last layer that hold these frames.
        blocks = range(self.frames.start // self.stride[0], -(-self.frames.stop // self.stride[0]))
        self.within = slice(
            self.frames.start - blocks.start * self.stride[0], self.frames.stop - blocks.start * self.stride[0]
        )
        weight = by_places(last)
        self.register_buffer("weight", channels_last(weight))
        self.register_buffer("bias", last.bias.detach().repeat(self.stride[0] * self.stride[1]))

        sizes, taps = config.audio_map_sizes, weight.shape[2:]
        needed = range(blocks.start - taps[0] + 1, blocks.stop)
        rows = _clipped(needed, sizes[1][0])
        columns = -(-config.fft_size // self.stride[1])
        # Left, right, above and below.
        self.padding = (taps[1] - 1, columns - sizes[1][1], rows.start - needed.start, needed.stop - rows.stop)
        # For each layer, from the first to the last: which rows of its output and of the skip beside it are wanted.
        self.rows = []
        for layer, (length, _) in zip(reversed(inner), sizes[2:]):
            kernel, stride = layer.kernel_size[0], layer.stride[0]
            inputs = _clipped(range(-(-(rows.start - kernel + 1) // stride), (rows.stop - 1) // stride + 1), length)
            own = slice(rows.start - stride * inputs.start, rows.stop - stride * inputs.start)
            self.rows.insert(0, (own, slice(rows.start, rows.stop)))
            rows = inputs
        self.first_rows = slice(rows.start, rows.stop)

    def forward(
        self,
        chunk: torch.Tensor,
        spectrum: torch.Tensor,
        audio_maps: Sequence[torch.Tensor],
        fused: torch.Tensor,
        weights: torch.Tensor,
        biases: torch.Tensor,
    ) -> Placed:
        """Return the ambisonics and mixtures; see ``SpatialAudioGenUNet.forward``."""
        masks = both_halves(self._mixed_masks(audio_maps, fused, weights).to(spectrum.real.dtype))
        mixtures = inverse(masks * spectrum[:, None, None, self.frames]).to(chunk.dtype)
        # Each step hears the mixture by its own weights.
        pieces = mixtures[..., self.chunk].unflatten(-1, (biases.shape[-1], -1)).diagonal(dim1=2, dim2=3)
        return Placed((pieces.transpose(-1, -2) + biases[..., None]).flatten(-2), mixtures=mixtures)

    def _mixed_masks(
        self, audio_maps: Sequence[torch.Tensor], fused: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        """Masks ``(B, 3, steps, frames, bins)``, those of all tracks added up by their weights."""
        *skips, last = audio_maps
        condition = F.relu(self.condition(fused)).transpose(1, 2)[:, :, self.first_rows, None]
        hidden = torch.cat([last[:, :, self.first_rows], condition.expand(-1, -1, -1, last.shape[-1])], 1)
        for layer, (own, beside), skip in zip(self.layers, self.rows, reversed(skips)):
            hidden = torch.cat([F.relu(layer(hidden)[:, :, own]), skip[:, :, beside]], 1)
        hidden = F.pad(hidden, self.padding).contiguous(memory_format=torch.channels_last)
        masks = F.conv2d(hidden, self.weight, self.bias).permute(0, 2, 3, 1).sigmoid_()
        tracks, steps = weights.shape[2:]
        mixed = masks.reshape(len(masks), -1, tracks) @ weights.transpose(1, 2).flatten(2)
        places = mixed.view(*masks.shape[:3], *self.stride, -1, steps)
        whole = places.permute(0, 5, 6, 1, 3, 2, 4).flatten(5, 6).flatten(3, 4)
        return whole[..., self.within, : self.bins]


def by_places(layer: nn.ConvTranspose2d) -> torch.Tensor:
    """Kernel of the convolution that gives a transposed one's output, a channel for each place within the stride.

    Of ``(in, out, height, width)`` it is ``(stride * stride * out, in, taps, taps)``, where a tap is what a whole
    stride of the kernel sees; the input has to be padded by all taps but one.
    """
    weight = layer.weight.detach()
    (height, width), (down, right) = weight.shape[2:], layer.stride
    weight = F.pad(weight, (0, -width % right, 0, -height % down))
    # The nearest element of the input is met last.
    taps = weight.unflatten(3, (-1, right)).unflatten(2, (-1, down)).flip(2, 4)
    return taps.permute(3, 5, 1, 0, 2, 4).flatten(0, 2)


def _clipped(rows: range, length: int) -> range:
    return range(max(rows.start, 0), min(rows.stop, length))

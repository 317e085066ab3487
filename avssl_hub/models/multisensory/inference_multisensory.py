"""A faster equal form of the multisensory networks for inference: folded, channels-last, the largest map in pieces.

A normalisation of the sum of two paths goes into both: its scale into each, its offset into one.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ...layers.folding import fold_into, folded, scale_of
from ...layers.same_padding import same_pieces
from .trunk_multisensory import ConvNorm, MultisensoryBlock, MultisensoryFusion, MultisensoryVideoBranch
from .unet_multisensory import UNetLayer

# Frames of the stem's output made at a time, 13 MB at the paper's size: memory that is used again, near the cache.
STEM_FRAMES = 4


class FoldedConv(nn.Module):
    """``ConvNorm`` in evaluation mode."""

    def __init__(self, layer: ConvNorm):
        super().__init__()
        self.conv, self.activate = fold_into(layer.conv, layer.norm), layer.activate

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = self.conv(hidden)
        return hidden.relu_() if self.activate else hidden


class FoldedBlock(nn.Module):
    """``MultisensoryBlock`` in evaluation mode."""

    def __init__(self, block: MultisensoryBlock):
        super().__init__()
        residual = block.residual
        scale = scale_of(block.norm)
        self.stride = residual.stride
        self.register_buffer("scale", scale.view(-1, *[1] * len(self.stride)))
        self.conv1, self.conv2 = FoldedConv(residual.conv1), fold_into(residual.conv2, block.norm)
        self.shortcut = residual.shortcut
        if self.shortcut is not None:
            self.shortcut = fold_into(self.shortcut.conv, self.shortcut.norm)
            self.shortcut.weight.mul_(self.scale[:, None])
            self.shortcut.bias.mul_(scale)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        out = self.conv2(self.conv1(hidden))
        if self.shortcut is not None:
            return out.add_(self.shortcut(hidden)).relu_()
        passed = hidden[(..., *(slice(None, None, step) for step in self.stride))]
        return out.addcmul_(passed, self.scale).relu_()


class FoldedVideoBranch(nn.Module):
    """``MultisensoryVideoBranch`` in evaluation mode."""

    def __init__(self, branch: MultisensoryVideoBranch):
        super().__init__()
        self.stem = fold_into(branch.stem.conv, branch.stem.norm)
        self.pool = branch.pool
        self.blocks = nn.ModuleList(map(FoldedBlock, branch.blocks))

    def forward(self, pixels: torch.Tensor, all_maps: bool = True) -> tuple[torch.Tensor, ...]:
        """Return the maps of the stem and of both blocks, or the last alone."""
        stem, hidden = self._stem(pixels, kept=all_maps)
        maps = [stem] if all_maps else []
        for block in self.blocks:
            hidden = block(hidden)
            maps.append(hidden)
        return tuple(maps if all_maps else maps[-1:])

    def _stem(self, pixels: torch.Tensor, kept: bool) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Return the stem's map, if it is to be kept, and what the pooling makes of it."""
        maps, pooled = [], []
        for piece in same_pieces(pixels, self.stem.kernel_size, self.stem.stride, STEM_FRAMES):
            stem = F.conv3d(piece, self.stem.weight, self.stem.bias, self.stem.stride).relu_()
            pooled.append(self.pool(stem))
            if kept:
                maps.append(stem)
        return torch.cat(maps, 2) if kept else None, torch.cat(pooled, 2)


class FoldedFusion(nn.Module):
    """``MultisensoryFusion`` in evaluation mode: two-dimensional on all frames, the sound's share once a frame."""

    def __init__(self, fusion: MultisensoryFusion):
        super().__init__()
        self.skipped = fusion.skipped
        weight, bias = folded(fusion.expand.conv, fusion.expand.norm)
        channels = fusion.project.out_channels - fusion.skipped
        self.register_buffer("see", weight[:, :channels, 0])
        self.register_buffer("hear", weight[:, channels:, 0, 0, 0])
        self.register_buffer("see_bias", bias)
        weight, bias = folded(fusion.project, fusion.norm)
        self.register_buffer("project", weight[:, :, 0])
        self.register_buffer("project_bias", bias)
        self.register_buffer("scale", scale_of(fusion.norm)[:, None, None])

    def forward(self, video: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
        frames, sounds = video.transpose(1, 2).flatten(0, 1), sound.transpose(1, 2).flatten(0, 1)
        heard = F.linear(sounds, self.hear)[..., None, None]
        hidden = F.conv2d(frames, self.see, self.see_bias).add_(heard).relu_()
        out = F.conv2d(hidden, self.project, self.project_bias)
        channels = frames.shape[1]
        out[:, :channels].addcmul_(frames, self.scale[:channels])
        out[:, channels:].addcmul_(sounds[:, -self.skipped :, None, None], self.scale[channels:])
        return out.relu_().unflatten(0, (len(video), -1)).transpose(1, 2)


def _folded_layer(layer: UNetLayer) -> nn.Module:
    return fold_into(layer.conv, layer.norm)


_FORMS = {
    ConvNorm: FoldedConv,
    MultisensoryBlock: FoldedBlock,
    MultisensoryFusion: FoldedFusion,
    MultisensoryVideoBranch: FoldedVideoBranch,
    UNetLayer: _folded_layer,
}


def fold(module: nn.Module) -> None:
    """Replace all parts of ``module`` that have a faster form, in place; their weights are changed."""
    for name, child in module.named_children():
        if type(child) in _FORMS:
            setattr(module, name, _FORMS[type(child)](child))
        else:
            fold(child)

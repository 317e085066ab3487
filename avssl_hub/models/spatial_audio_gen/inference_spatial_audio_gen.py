"""A faster equal form of the network for inference: channels last, and no more than what is masked."""

import torch
from torch import nn

from ...layers.folding import channels_last, fold_into
from ...layers.same_padding import same_max_pool
from .configuration_spatial_audio_gen import SpatialAudioGenConfig
from .cropped_unet_spatial_audio_gen import CroppedUNet
from .encoders_spatial_audio_gen import SpatialAudioGenVisualBlock, SpatialAudioGenVisualEncoder
from .separation_spatial_audio_gen import SpatialAudioGenUNet

# Frames of which the first layer's map is made at a time, 13 MB: memory that is used again, near the cache.
STEM_FRAMES = 2


class FoldedVisualBlock(nn.Module):
    """``SpatialAudioGenVisualBlock`` with running statistics."""

    def __init__(self, block: SpatialAudioGenVisualBlock):
        super().__init__()
        self.conv1, self.conv2 = (fold_into(part.conv, part.norm) for part in (block.conv1, block.conv2))
        self.shortcut = block.shortcut

    def forward(self, hidden: torch.Tensor, group_size: int | None) -> torch.Tensor:
        out = self.conv2(self.conv1(hidden).relu_())
        return out.add_(self.shortcut(hidden)).relu_()


class FoldedVisualEncoder(nn.Module):
    """``SpatialAudioGenVisualEncoder`` with running statistics."""

    def __init__(self, encoder: SpatialAudioGenVisualEncoder):
        super().__init__()
        self.stem = fold_into(encoder.stem.conv, encoder.stem.norm)
        self.blocks = nn.ModuleList(map(FoldedVisualBlock, encoder.blocks))

    def forward(self, frames: torch.Tensor, group_size: int | None) -> tuple[torch.Tensor, ...]:
        # What the maximum is taken of need not be cut off at zero before.
        maps = [torch.cat([same_max_pool(self.stem(part), 3, 2).relu_() for part in frames.split(STEM_FRAMES)])]
        for block in self.blocks:
            maps.append(block(maps[-1], group_size))
        return tuple(maps[1:])


def fold(model: nn.Module, config: SpatialAudioGenConfig) -> None:
    """Replace all parts of a model that have a faster form, in place; their weights are changed."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, SpatialAudioGenUNet):
                setattr(module, name, CroppedUNet(child, config))
            elif isinstance(child, SpatialAudioGenVisualEncoder) and config.use_running_stats:
                setattr(module, name, FoldedVisualEncoder(child))
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.weight.data = channels_last(module.weight.data)

"""Evaluation transforms of clips: resize, crop, repeat missing frames, normalise.

Frames are uint8 ``(T, H, W, C)``, as readers deliver them, until they are normalised.
"""

import torch
from torchvision.transforms.v2 import functional as TF


def resize(frames: torch.Tensor, size: int, keep_aspect_ratio: bool = True) -> torch.Tensor:
    """Resize uint8 frames ``(T, H, W, C)`` bilinearly with antialiasing, within one grey level of Pillow.

    Args:
        frames: The clip.
        size: Target of the shorter side in pixels; the longer one is ``int(size * long / short)``.
        keep_aspect_ratio: False resizes to ``size`` by ``size`` whatever the shape was.
    """
    height, width = frames.shape[1:3]
    target = [size, size]
    if keep_aspect_ratio:
        target = [int(size * height / min(height, width)), int(size * width / min(height, width))]
    if target == [height, width]:
        return frames
    # The kernel is fast on channels-last memory, which is what a reader's frames are.
    return TF.resize(frames.permute(0, 3, 1, 2), target, antialias=True).permute(0, 2, 3, 1)


def center_crop(frames: torch.Tensor, size: int) -> torch.Tensor:
    """Cut the centre ``size`` by ``size`` out of ``(T, H, W, C)``."""
    top, left = (round((side - size) / 2) for side in frames.shape[1:3])
    return frames[:, top : top + size, left : left + size]


def repeat_to_length(frames: torch.Tensor, num_frames: int) -> torch.Tensor:
    """Complete ``(T, ...)`` to ``num_frames`` by appending its first frames, again and again if need be.

    Each round appends at most as many frames as there are, which is the released rule.
    """
    while len(frames) < num_frames:
        frames = torch.cat([frames, frames[: num_frames - len(frames)]])
    return frames


def normalize(frames: torch.Tensor, mean: list[float], std: list[float]) -> torch.Tensor:
    """Scale uint8 ``(..., H, W, C)`` to [0, 1], standardise each channel, and return float ``(..., C, H, W)``."""
    mean, std = (torch.tensor(values, device=frames.device)[:, None, None] for values in (mean, std))
    # Into planes first: arithmetic that runs over three interleaved channels is several times slower.
    planes = frames.movedim(-1, -3).to(torch.float32, memory_format=torch.contiguous_format)
    return planes.mul_(1 / (255 * std)).sub_(mean / std)

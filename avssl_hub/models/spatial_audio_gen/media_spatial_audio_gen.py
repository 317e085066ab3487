"""Reading recordings for the network: one channel of sound, and frames that are small as soon as they are decoded."""

import math

import torch
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as TF

from ...errors import explain
from ...media import MediaReader, MissingStreamError, SoundReader, probe
from .._raw_media import Source

AMBISONIC_CHANNELS = (4, 9, 16)
# Full frames of 360-degree video take tens of megabytes each.
FRAMES_AT_ONCE = 8


def to_mono(samples: torch.Tensor) -> torch.Tensor:
    """Reduce sound ``(channels, n)`` to ``(n,)``: to W, the first, of ambisonics, else to the channels' mean."""
    return samples[0] if len(samples) in AMBISONIC_CHANNELS else samples.mean(0)


def resize_frames(frames: torch.Tensor, size: list[int]) -> torch.Tensor:
    """Resize whole uint8 frames ``(T, H, W, 3)`` to height and width, without regard to their proportions."""
    if list(frames.shape[1:3]) == size:
        return frames
    return TF.resize(frames.permute(0, 3, 1, 2), size, antialias=True).permute(0, 2, 3, 1)


def read_mono(source: Source, sampling_rate: int, beside_picture: bool = False) -> torch.Tensor:
    """Read a file's sound as ``(n,)`` samples, from its own start or from that of the picture beside it.

    Raises:
        MediaError: The file cannot be read, or has no sound.
    """
    info = probe(source)
    with SoundReader(source, sampling_rate) as reader:
        sound = torch.cat([torch.zeros(0), *map(to_mono, reader)])
        late = round((reader.start - info.video[0].start) * sampling_rate) if beside_picture and info.has_video else 0
    return F.pad(sound, (late, 0)) if late > 0 else sound[-late:]


def read_frames(source: Source, fps: float, wanted: range, size: list[int]) -> torch.Tensor:
    """Read frames ``wanted`` of those at ``fps`` from the picture's start on, uint8 ``(T, H, W, 3)`` of a size.

    There are fewer where the picture ends before, but always one.

    Raises:
        MediaError: The file cannot be read, or has no picture.
    """
    with MediaReader(source) as reader:
        stream = reader.video
        if stream is None:
            raise MissingStreamError(explain(f"{reader.info.name}: picture", "none", "a 360-degree video"))
        # A reader wants no frame in the last half period of the source.
        available = max(math.ceil((stream.duration - 0.5 / stream.fps) * fps), 1)
        first, end = min(wanted.start, available - 1), min(wanted.stop, available)
        parts = []
        for index in range(first, end, FRAMES_AT_ONCE):
            count = min(FRAMES_AT_ONCE, end - index)
            span = count / fps + 0.5 / stream.fps
            parts.append(resize_frames(reader.read_video(stream.start + index / fps, span, fps, count).frames, size))
    return torch.cat(parts)

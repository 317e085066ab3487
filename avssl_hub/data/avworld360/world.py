"""The world itself: clips on demand, each a function of (seed, split, index)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InvalidValueError, explain
from .config import AVWorld360Config
from .picture import draw_frames
from .scenes import Scenes360, draw_scenes
from .sound import play


@dataclass(frozen=True)
class AVWorld360Clips:
    """A batch of rendered windows with their ground truth.

    Attributes:
        frames: Equirectangular pictures, (B, T, 3, H, 2 * H) uint8.
        ambisonics: Sound of first order, ACN (W, Y, Z, X) and SN3D, (B, 4, n) float32.
        objects: What each object sounds like by itself, (B, O, n) float32; silence where it makes no sound.
        times: Time of each picture in its scene, in seconds, (B, T).
        sampling_rate: Samples per second.
        scenes: What happens in the whole scenes the windows are cut from; ``scenes.directions(times)`` tells where.
    """

    frames: Tensor
    ambisonics: Tensor
    objects: Tensor
    times: Tensor
    sampling_rate: int
    scenes: Scenes360


class AVWorld360:
    """A procedural world of objects around the listener that move, hop, flash and sound.

    Args:
        config: Its settings; the defaults are the world that reported numbers speak of.

    Example:
        >>> world = AVWorld360()
        >>> # 32 training chunks: 1.1 s of sound around 0.1 s, and the picture at the chunk's start.
        >>> chunk = torch.full((32, 1), 1.5)
        >>> clips = world.render("train", range(32), chunk[:, 0] - 0.5, 52799 / 48000, chunk)
        >>> clips.frames.shape, clips.ambisonics.shape
        (torch.Size([32, 1, 3, 112, 224]), torch.Size([32, 4, 52799]))
    """

    def __init__(self, config: AVWorld360Config | None = None):
        self.config = config or AVWorld360Config()

    def render(
        self,
        split: str,
        indices: Sequence[int],
        start: Sequence[float] | Tensor | None = None,
        duration: float | None = None,
        times: Sequence[Sequence[float]] | Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> AVWorld360Clips:
        """Render windows of the scenes ``indices`` of a split, and only the pictures asked for.

        Args:
            split: "train", "validation" or "test".
            indices: Scene numbers, B integers of at least 0.
            start: Where each window of sound begins in its scene, B values in seconds; the scene's start if left out.
            duration: Length of the windows in seconds; the whole scene if left out.
            times: When pictures are taken, (B, T) in seconds; through the window at the world's rate if left out.
            device: Where to render.

        Raises:
            UnknownNameError: The split is not known.
            InvalidValueError: An index is negative, or a window or picture lies outside its scene.
        """
        config = self.config
        duration = config.duration if duration is None else duration
        start = torch.as_tensor(torch.zeros(len(indices)) if start is None else start).to("cpu", torch.float64)
        if times is None:
            times = start[:, None] + torch.arange(round(duration * config.fps)) / config.fps
        times = torch.as_tensor(times).to("cpu", torch.float64)
        self._check("window of sound", start, start + duration)
        self._check("pictures", times, times)
        scenes = draw_scenes(config, split, indices).to(device)
        times = times.to(device)
        frames = draw_frames(scenes, times, config)
        ambisonics, objects = play(
            scenes, start.to(device), round(duration * config.sampling_rate), config.sampling_rate
        )
        return AVWorld360Clips(frames, ambisonics, objects, times, config.sampling_rate, scenes)

    def _check(self, what: str, first: Tensor, last: Tensor) -> None:
        """Check that spans lie inside their scenes."""
        length = self.config.duration
        if first.numel() and (first.min() < 0 or last.max() > length + 1e-6):
            got = f"{first.min():g} to {last.max():g} s"
            raise InvalidValueError(explain(f"AVWorld {what}", got, f"times inside the scene's {length:g} s"))

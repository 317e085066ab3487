"""The world itself: clips on demand, each a function of (seed, split, index)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InvalidValueError, explain
from .config import AVWorldConfig
from .picture import draw_frames
from .scenes import Scenes, draw_scenes
from .sound import play


@dataclass(frozen=True)
class AVWorldClips:
    """A batch of rendered windows with their ground truth.

    Attributes:
        frames: Pictures, (B, T, height, width, 3) uint8.
        samples: Sound, (B, n) float32.
        times: Time of each picture in its scene, in seconds, (B, T).
        fps: Pictures per second.
        sampling_rate: Samples per second.
        scenes: What happens in the whole scenes the windows are cut from.
    """

    frames: Tensor
    samples: Tensor
    times: Tensor
    fps: float
    sampling_rate: int
    scenes: Scenes


class AVWorld:
    """A procedural world of objects that move, bounce, flash and sound.

    Args:
        config: Its settings; the defaults are the world that reported numbers speak of.
    """

    def __init__(self, config: AVWorldConfig | None = None):
        self.config = config or AVWorldConfig()

    def render(
        self,
        split: str,
        indices: Sequence[int],
        start: Sequence[float] | Tensor | None = None,
        duration: float | None = None,
        fps: float | None = None,
        picture_start: Sequence[float] | Tensor | None = None,
        picture_duration: float | None = None,
        device: torch.device | str = "cpu",
    ) -> AVWorldClips:
        """Render windows of the scenes ``indices`` of a split.

        Args:
            split: "train", "validation" or "test".
            indices: Scene numbers, B integers of at least 0.
            start: Where each window begins in its scene, B values in seconds; the scene's start if left out.
            duration: Length of the windows in seconds; the whole scene if left out.
            fps: Pictures per second; the world's own if left out.
            picture_start: Where the pictures begin, where that is not the start of the sound; in seconds, B values.
            picture_duration: Length of the pictures, where that is not the length of the sound.
            device: Where to render.

        Raises:
            UnknownNameError: The split is not known.
            InvalidValueError: An index is negative, or a window leaves its scene.
        """
        config = self.config
        fps = config.fps if fps is None else fps
        duration = config.duration if duration is None else duration
        start = torch.zeros(len(indices)) if start is None else start
        start = self._windows(start, duration)
        picture_duration = duration if picture_duration is None else picture_duration
        pictures = self._windows(start if picture_start is None else picture_start, picture_duration)
        scenes = draw_scenes(config, split, indices).to(device)
        times = pictures[:, None] + torch.arange(round(picture_duration * fps)) / fps
        frames = draw_frames(scenes, times.to(device), config)
        samples = play(scenes, start.to(device), round(duration * config.sampling_rate), config)
        return AVWorldClips(frames, samples, times.to(device), fps, config.sampling_rate, scenes)

    def _windows(self, start: Sequence[float] | Tensor, duration: float) -> Tensor:
        """Check that windows lie inside their scenes."""
        start = torch.as_tensor(start).to("cpu", torch.float64)
        length = self.config.duration
        if len(start) and (start.min() < 0 or start.max() + duration > length + 1e-6):
            got = f"start {start.min():g} to {start.max():g} s with duration {duration:g} s"
            raise InvalidValueError(explain("AVWorld window", got, f"windows inside the scene's {length:g} s"))
        return start

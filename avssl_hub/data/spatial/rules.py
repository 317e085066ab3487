"""Which samples and which frame belong to a chunk: the released rules of SpatialAudioGen."""

import math
from dataclasses import dataclass

from ...errors import InvalidValueError, explain


@dataclass(frozen=True)
class ChunkRules:
    """Sizes of a chunk, and where in a recording its parts lie. Times are in seconds.

    The sound around a chunk at time t begins half a context before it; its frame is the one shown at t.

    Attributes:
        sampling_rate: Samples per second.
        fps: Frames per second.
        context: Sound heard around a chunk.
        duration: Length of a chunk.
        exact: Whether samples are counted exactly. The released rule cuts the product of a fraction of a second and the
            rate down to an integer, so that two in five starts come out one sample early.
    """

    sampling_rate: int = 48000
    fps: float = 10.0
    context: float = 1.0
    duration: float = 0.1
    exact: bool = False

    def __post_init__(self):
        for name in ("sampling_rate", "fps", "context", "duration"):
            if getattr(self, name) <= 0:
                raise InvalidValueError(explain(f"chunk rule '{name}'", getattr(self, name), "a number above 0"))

    @property
    def chunk_samples(self) -> int:
        """Samples of a chunk."""
        return round(self.duration * self.sampling_rate)

    @property
    def window_samples(self) -> int:
        """Samples of a chunk with its context: 52799 by default, one less than 1.1 s."""
        return round(self.context * self.sampling_rate) + self.chunk_samples - 1

    def sample(self, time: float) -> int:
        """Number of the sample at a time, which may be negative."""
        if self.exact:
            return round(time * self.sampling_rate)
        second = math.floor(time)
        return second * self.sampling_rate + int((time - second) * self.sampling_rate)

    def window_start(self, time: float) -> int:
        """Number of the first sample of the sound around the chunk at ``time``."""
        return self.sample(time - self.context / 2)

    def frame(self, time: float) -> int:
        """Number of the frame of the chunk at ``time``."""
        return int(round(time * self.fps, 6) if self.exact else time * self.fps)

"""Which samples and which frame belong to a chunk: the released rules of SpatialAudioGen."""

from dataclasses import dataclass

from ...audio.chunk_times import frame_at, sample_at
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
        released_starts: Whether samples and frames are counted as the authors did, see
            :mod:`avssl_hub.audio.chunk_times`; False takes the nearest.
    """

    sampling_rate: int = 48000
    fps: float = 10.0
    context: float = 1.0
    duration: float = 0.1
    released_starts: bool = True

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
        return sample_at(time, self.sampling_rate, self.released_starts)

    def window_start(self, time: float) -> int:
        """Number of the first sample of the sound around the chunk at ``time``."""
        return self.sample(time - self.context / 2)

    def frame(self, time: float) -> int:
        """Number of the frame of the chunk at ``time``."""
        return frame_at(time, self.fps, self.released_starts)

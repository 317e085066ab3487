"""The clips that trained protocols test on: spread over a recording, and at random (section 11.1)."""

import numpy as np
import torch

from ...data.clips import Span, sample_start
from ...media import MediaReader
from ..encoder import Encoded, Encoder
from .network import Classified
from .settings import TestSettings


def dense_starts(span: Span, source_fps: float, frames: int, fps: float, clips: int) -> list[float]:
    """Start ``clips`` clips at frames ``int(linspace(0, n - T, clips))`` of the n that a span has at ``fps``.

    Args:
        span: From when to when the recording lasts, in seconds.
        source_fps: Its own rate.
        frames: Frames of a clip, T.
        fps: Rate of a clip.
        clips: Number of clips.

    Returns:
        Seconds. A recording shorter than a clip gives its own start each time.
    """
    length = span.end - span.start
    # Those that a reader finds in the whole span.
    total = min(int(length * fps), int(np.ceil((length - 0.5 / source_fps) * fps - 1e-9)))
    return [span.start + int(first) / fps for first in np.linspace(0, max(0, total - frames), clips)]


class TestClips:
    """What to extract of a test recording: the class probabilities of each layer for each of its clips.

    Args:
        model: The trained model.
        settings: How many clips.
    """

    parts = ("dense", "random")

    def __init__(self, model: Classified, settings: TestSettings):
        self.model = model.eval()
        self.settings = settings

    def inputs(
        self,
        reader: MediaReader,
        span: Span,
        encoder: Encoder,
        modality: str,
        part: str,
        generator: torch.Generator,
    ) -> dict[str, torch.Tensor]:
        """Cut a recording into clips and prepare them for the model."""
        frames, fps = encoder.num_frames, encoder.fps
        if part == "dense":
            starts = dense_starts(span, reader.video.fps, frames, fps, self.settings.dense_clips)
        else:
            starts = [sample_start(span, encoder.video_duration, generator) for _ in range(self.settings.random_clips)]
        # The reader leaves half a frame of the source out at the end of what it is asked for.
        length = frames / fps + 0.5 / reader.video.fps
        found = {start: reader.read_video(start, length, fps, frames).frames for start in sorted(set(starts))}
        return encoder.prepare([found[start] for start in starts], "video")

    def features(self, encoded: Encoded) -> dict[str, torch.Tensor]:
        """Return each layer's class probabilities, (clips, classes)."""
        return {layer: scores.float().softmax(1) for layer, scores in self.model.head(encoded).items()}

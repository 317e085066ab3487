"""Clips that several protocols cut."""

import torch

from ...data.clips import Span, dense_starts
from ...media import MediaReader
from ..encoder import Encoder, Modality


def spaced_clips(
    reader: MediaReader, span: Span, encoder: Encoder, modality: Modality, clips: int
) -> list[torch.Tensor]:
    """Cut clips of the model's length, spaced evenly over a recording.

    A model that takes recordings whole gets one clip.

    Returns:
        Sounds (samples,), or pictures (T, H, W, 3) uint8.
    """
    if modality == "video":
        starts = dense_starts(span, encoder.video_duration, clips)
        return [
            reader.read_video(start, encoder.video_duration, encoder.fps, encoder.num_frames).frames for start in starts
        ]
    rate = encoder.sampling_rate
    if encoder.audio_duration is None:
        return [reader.read_audio(span.start, span.end - span.start, rate).samples[0]]
    starts = dense_starts(span, encoder.audio_duration, clips)
    return [reader.read_audio(start, encoder.audio_duration, rate).samples[0] for start in starts]

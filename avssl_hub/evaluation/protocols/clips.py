"""Clips that several protocols cut."""

import torch

from ...data.clips import Span, dense_starts
from ...media import MediaReader
from ..encoder import Encoder, Modality, Scene


def spaced_clips(
    reader: MediaReader, span: Span, encoder: Encoder, modality: Modality, clips: int
) -> list[torch.Tensor] | list[Scene]:
    """Cut clips of the model's length, spaced evenly over a recording.

    A model that takes recordings whole gets one clip. Of a recording shorter than a clip, what there is: models differ
    in how they complete it.

    Returns:
        Sounds (samples,), pictures (T, H, W, 3) uint8, or both at once.
    """
    if modality == "both":
        return [encoder.read_scene(reader, start) for start in dense_starts(span, encoder.video_duration, clips)]
    if modality == "video":
        starts = dense_starts(span, encoder.video_duration, clips)
        return [
            reader.read_video(start, encoder.video_duration, encoder.fps, encoder.num_frames).frames for start in starts
        ]
    whole = span.end - span.start
    if encoder.audio_duration is None:
        length, starts = whole, [span.start]
    else:
        length, starts = min(encoder.audio_duration, whole), dense_starts(span, encoder.audio_duration, clips)
    return [reader.read_audio(start, length, encoder.sampling_rate).samples[0] for start in starts]

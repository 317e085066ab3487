"""When to look: the rules by which the papers choose time windows in a recording. All times are in seconds."""

from dataclasses import dataclass

import torch

from ..errors import AvsslError, explain


class NoWindowError(AvsslError, ValueError):
    """A recording is too short, or its streams overlap too little, for the clip asked for."""


@dataclass(frozen=True)
class Span:
    """From when to when a stream lasts."""

    start: float
    end: float


def _uniform(low: float, high: float, generator: torch.Generator | None) -> float:
    return low + (high - low) * torch.rand((), generator=generator, dtype=torch.float64).item()


def sample_audio_visual_start(
    video: Span,
    audio: Span,
    video_duration: float,
    audio_duration: float,
    jitter: float = 0.0,
    generator: torch.Generator | None = None,
) -> tuple[float, float]:
    """Draw a sound window and a shorter picture window beside it, as AVID's pretraining does (section 5.1).

    The picture may start up to ``jitter`` before the sound and end up to ``jitter`` after it. Its upper bound is the
    stream's end, not the end less the clip: a clip that runs out of frames is completed by the transform.

    Args:
        video: Span of the picture.
        audio: Span of the sound.
        video_duration: Length of the picture clip, at most ``audio_duration``.
        audio_duration: Length of the sound clip.
        jitter: Misalignment allowed; 0.5 in the paper's training, 0 otherwise.
        generator: Source of randomness.

    Returns:
        Start of the picture, start of the sound.

    Raises:
        NoWindowError: No sound window lies within both streams.
    """
    low, high = max(video.start, audio.start), min(audio.end - audio_duration, video.end - video_duration)
    if high < low:
        raise NoWindowError(
            explain(
                "choosing a clip",
                f"picture {video.start:.2f}-{video.end:.2f} s and sound {audio.start:.2f}-{audio.end:.2f} s",
                f"{audio_duration} s of sound with {video_duration} s of picture inside both",
            )
        )
    audio_start = _uniform(low, high, generator)
    low = max(audio_start - jitter, video.start)
    high = min(audio_start + audio_duration + jitter - video_duration, video.end)
    return _uniform(low, high, generator), audio_start


def sample_start(span: Span, duration: float, generator: torch.Generator | None = None) -> float:
    """Draw the start of a clip within ``span``; a shorter stream is taken from its start."""
    return _uniform(span.start, max(span.start, span.end - duration), generator)


def dense_starts(span: Span, duration: float, clips: int) -> list[float]:
    """Space ``clips`` starts evenly from the first to the last possible one."""
    last = max(span.start, span.end - duration)
    return torch.linspace(span.start, last, clips, dtype=torch.float64).tolist()


def center_start(span: Span, duration: float) -> float:
    """Start of the clip in the middle of ``span``, or the span's own start where it is shorter."""
    return max(span.start, (span.start + span.end - duration) / 2)

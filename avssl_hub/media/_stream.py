"""One pass over a whole file, window by window, holding no more than the windows still open."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from math import floor

from avssl_hub.errors import explain
from avssl_hub.media._audio import AudioClip, AudioTrack
from avssl_hub.media._video import VideoClip, VideoTrack
from avssl_hub.media.errors import DecodeError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MediaWindow:
    """One window of a file.

    Attributes:
        start: Start in seconds on the container's clock.
        end: End in seconds; the file's end for a last window that is cut short.
        video: Frames of its centre part, or None where the file has no picture.
        audio: Its sound, or None when the file has no sound stream.
    """

    start: float
    end: float
    video: VideoClip | None
    audio: AudioClip | None


def window_spans(begin: float, end: float, duration: float, hop: float) -> list[tuple[float, float]]:
    """List the (start, end) of windows over a file from ``begin`` to ``end``.

    Windows start every ``hop`` seconds. One that the file's end cuts short is kept when it lacks no more than half
    a hop (half its own length, if that is shorter), or when it is the first; its end is then the file's end.
    """
    needed = duration - min(hop, duration) / 2
    count = 1 + max(0, floor((end - begin - needed) / hop + 1e-6))
    starts = (begin + k * hop for k in range(count))
    return [(start, min(start + duration, end)) for start in starts]


def centre(start: float, end: float, duration: float) -> tuple[float, float]:
    """Place ``duration`` seconds in the middle of a window, as (start, duration)."""
    return start + max(0.0, (end - start - duration) / 2), duration


def stream_windows(
    video: VideoTrack | None,
    audio: AudioTrack | None,
    spans: list[tuple[float, float]],
    duration: float,
    video_duration: float,
    fps: float,
    sampling_rate: int,
    channels: int | None,
) -> Iterator[MediaWindow]:
    """Decode each stream once, side by side, and yield a window as soon as both have what it needs.

    Each track has a container of its own, fresh, and closed at the end: so a file whose streams are badly
    interleaved needs no more memory than any other.
    """
    tracks = [track for track in (video, audio) if track]
    with ExitStack() as stack:
        for track in tracks:
            stack.enter_context(track.container)
            track.listen_alone()
        centres = (centre(*span, video_duration) for span in spans)
        clips = video.windows(centres, fps) if video else repeat(None)
        sounds = repeat(None)
        if audio:
            sounds = audio.windows(((start, duration) for start, _ in spans), sampling_rate, channels)
        for (start, end), clip, sound in zip(spans, clips, sounds):
            nothing = clip is None and (sound is None or not sound.present)
            if nothing and all(track.exhausted for track in tracks):
                _report_early_end(tracks, start, first=start == spans[0][0])
                return
            yield MediaWindow(start, end, clip, sound)


def _report_early_end(tracks: list[VideoTrack | AudioTrack], time: float, first: bool) -> None:
    name, stream = tracks[0].name, tracks[0].stream.index
    if first:
        raise DecodeError(
            explain(
                f"cannot decode stream {stream} of {name!r} from {time:.3f} s",
                "no frame and no sound",
                "a file that decodes at least in part",
                "Fetch or export the file again.",
            ),
            name,
            stream,
            time,
        )
    declared = float(max(track.end for track in tracks))
    logger.warning("%s: nothing decodes from %.3f s on, though its header says %.3f s", name, time, declared)

"""Which windows of a file a pipeline looks at, and what is missing or odd about each."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ..data.clips import Span, dense_starts
from ..errors import InvalidValueError, explain
from ..media import DecodeError, MediaInfo, MediaReader, MediaWindow

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin

# A sound embedding of mostly padding says little of the sound: the track must cover this share of the part of a
# window that lies inside the file.
SOUND_COVERAGE = 0.5


def check_sampling(every: float | None, clips: int | None) -> None:
    """Refuse choices of windows that make no sense.

    Raises:
        InvalidValueError: ``every`` or ``clips`` is not positive, or both are given.
    """
    if every is not None and clips is not None:
        raise InvalidValueError(explain("sampling", f"every={every} and clips={clips}", "one of the two"))
    if every is not None and not 0 < every < float("inf"):
        raise InvalidValueError(explain("every", every, "seconds above 0"))
    if clips is not None and clips < 1:
        raise InvalidValueError(explain("clips", clips, "a positive integer"))


def window_starts(total: int, length: int, hop: int) -> list[int]:
    """Cover ``total`` units by windows of ``length``, one every ``hop``; the last is moved back to end with them."""
    return [*range(0, total - length, hop), max(0, total - length)]


def nothing_to_compare(name: str, reason: str) -> DecodeError:
    """Word the error for a file with no window that could be scored."""
    expected = "a window with picture and sound"
    return DecodeError(explain(f"comparing sound and picture of {name!r}", reason, expected), name)


def every_window(
    reader: MediaReader,
    rules: "FeatureExtractionMixin",
    every: float | None,
    clips: int | None,
    channels: int | None = 1,
) -> Iterator[MediaWindow]:
    """Read windows as long as the processor's sound.

    Args:
        reader: The file.
        rules: The processor.
        every: Seconds from one window's start to the next, through the whole file in one pass and bounded memory;
            by default windows touch.
        clips: Seek to this many in their place, spaced evenly from the first to the last possible one.
        channels: Of the sound, as ``MediaReader.read_audio`` takes them.
    """
    if clips is not None:
        return _spread(reader, rules, clips, channels)
    hop = rules.audio_duration if every is None else every
    return reader.stream(rules.audio_duration, hop, rules.fps, rules.sampling_rate, rules.video_duration, channels)


def _spread(
    reader: MediaReader, rules: "FeatureExtractionMixin", clips: int, channels: int | None
) -> Iterator[MediaWindow]:
    info, length = reader.info, rules.audio_duration
    # The picture decides where to look: missing sound has a mask, missing frames have not.
    stream = reader.video or reader.audio
    for start in dense_starts(Span(stream.start, stream.end), length, clips):
        end = min(start + length, info.end)
        video = audio = None
        if info.has_video:
            middle = start + max(0.0, (end - start - rules.video_duration) / 2)
            # A damaged place is told in its row; the other windows may be whole.
            with suppress(DecodeError):
                video = reader.read_video(middle, rules.video_duration, rules.fps)
        if info.has_audio:
            audio = reader.read_audio(start, length, rules.sampling_rate, channels)
        yield MediaWindow(start, end, video, audio)


def judge(window: MediaWindow, info: MediaInfo, length: float, no_sound: str) -> tuple[bool, str]:
    """Decide whether a window has sound, and say what is missing or odd about it.

    Args:
        window: The window.
        info: What its file holds.
        length: Seconds of a whole window.
        no_sound: Why there is no sound, if there is none.

    Returns:
        Whether it has sound, and the notes, empty if there is nothing to say.
    """
    notes = []
    if window.video is None:
        notes.append("no picture decodes here" if info.has_video else "no picture stream")
    sound, inside = window.audio, window.end - window.start
    if sound is None:
        return False, "; ".join([*notes, no_sound])
    covered = min(1.0, sound.present * length / inside) if inside > 0 else 0.0
    if covered < SOUND_COVERAGE:
        return False, "; ".join([*notes, f"the sound track covers {covered:.0%} of the window"])
    if not sound.samples.any():
        notes.append("sound is digital silence")
    return True, "; ".join(notes)


def early_end(last_start: float, info: MediaInfo, reach: float) -> str:
    """Say so when a file stopped decoding more than ``reach`` seconds before the end in its header."""
    if info.end - last_start < reach:
        return ""
    return f"nothing decodes after this window, though the header says {info.end:.1f} s"

"""One row looked into: can its file or prepared folder be opened, and is what it promises there?"""

import hashlib
import os
from dataclasses import dataclass

from ..data.manifest import ManifestItem
from ..data.sound_beside import sound_beside
from ..data.spatial import ChunkRules, SpatialFolder, is_spatial_folder
from ..data.spatial.folder import SOUND
from ..media import AudioStreamInfo, DecodeError, MediaReader, VideoStreamInfo
from ..media.pcm import read_pcm

# Seconds by which a file may fall short of its row's end: clips are cut at frames and at packets of sound.
_SLACK = 0.1

_TASTE = 0.5  # seconds decoded at either end

# Bare streams that state no length: FFmpeg guesses it from the bit rate.
_GUESSED = ("aac", "ac3", "amr", "mp3")


@dataclass(frozen=True)
class Checked:
    """What was found of one row.

    Attributes:
        status: "ok", "missing", "broken", "changed" (another sha256 than the row's) or "short" (ends before the row).
        reason: Why it is not "ok".
        duration: Length of the whole file in seconds; None, like those that follow, if it does not open.
        width: Of the picture, in pixels; 0 without one.
        height: Likewise.
        fps: Frames per second; 0 without picture.
        sampling_rate: Of the sound, in Hz; 0 without it.
        channels: Of the sound; 0 without it.
        sha256: Of the content, if it was asked for.
    """

    status: str
    reason: str = ""
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    sampling_rate: int | None = None
    channels: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class CheckTask:
    """What to look at.

    Attributes:
        item: The row.
        sha256: What the content's hash must be, if that is known.
        digest: Whether to hash the content even if it is not.
    """

    item: ManifestItem
    sha256: str | None = None
    digest: bool = False


def check_item(task: CheckTask) -> Checked:
    """Open what a row names and decode a little at both ends of its span."""
    item, sha256 = task.item, task.sha256
    # Unlike that of Path, it is false too where the system refuses to look, such as for a name that is too long.
    if not os.path.exists(item.path):
        return Checked("missing", f"no file {item.path} that can be reached")
    found, facts, beside = None, {}, None
    # Whatever opening and decoding raise is what is asked here.
    try:
        if is_spatial_folder(item.path):
            return _check_folder(item)
        with item.open() as file:
            if task.digest or sha256:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            with MediaReader(file) as reader:
                facts = _facts(reader)
                status, reason = _judge(reader, item)
        # A part of a larger file has nothing beside it.
        beside = sound_beside(item.path) if item.offset is None else None
        if beside and status == "ok":
            with MediaReader(beside) as reader:
                heard = _facts(reader)
                facts |= {name: heard[name] for name in ("sampling_rate", "channels")}
                status, reason = _judge(reader, item)
    except Exception as error:
        status, reason = "broken", str(error) or type(error).__name__
    if reason and beside:
        reason = f"the sound beside it, {beside.name}: {reason}"
    if sha256 and found and found != sha256.lower():
        status, reason = "changed", f"sha256 {found} in place of {sha256}" + (f"; {reason}" if reason else "")
    return Checked(status, reason, **facts, sha256=found)


def _check_folder(item: ManifestItem) -> Checked:
    """Count a prepared 360° video's files, and read its first and last second and frame."""
    second, rate = read_pcm(item.path / SOUND / "000000.wav")
    folder = SpatialFolder(item.path, ChunkRules(rate))
    for samples in (0, (folder.seconds - 1) * rate):
        folder.sound(samples, rate)
    first, _ = folder.frame(0), folder.frame(folder.frames - 1)
    height, width = first.shape[1:]
    return Checked("ok", "", float(folder.seconds), width, height, folder.rules.fps, rate, len(second))


def _facts(reader: MediaReader) -> dict[str, float]:
    video, audio = reader.video, reader.audio
    return {
        "duration": reader.info.duration,
        "width": video.width if video else 0,
        "height": video.height if video else 0,
        "fps": video.fps if video else 0.0,
        "sampling_rate": audio.sampling_rate if audio else 0,
        "channels": audio.channels if audio else 0,
    }


def _judge(reader: MediaReader, item: ManifestItem) -> tuple[str, str]:
    info = reader.info
    start = info.start + (item.start or 0.0)
    wanted = info.end if item.end is None else info.start + item.end
    end = min(wanted, info.end)
    if start >= info.end:
        return "broken", f"its {info.duration:.2f} s end before the row's start at {item.start or 0.0:.2f} s"
    streams = [stream for stream in (reader.video, reader.audio) if stream]
    for stream in streams:
        _taste(reader, stream, max(start, stream.start), min(end, stream.end))
    # A stream may end before the file does, but not all of them.
    failures = []
    for stream in streams:
        try:
            _taste(reader, stream, max(start, end - _TASTE), end)
        except DecodeError as error:
            failures.append(str(error))
    if len(failures) == len(streams) and info.container not in _GUESSED:
        return "broken", f"it ends before the {info.duration:.2f} s that its header promises: {failures[0]}"
    if wanted - info.end > _SLACK:
        return "short", f"its {info.duration:.2f} s end before the row's end at {item.end:.2f} s"
    return "ok", ""


def _taste(reader: MediaReader, stream: VideoStreamInfo | AudioStreamInfo, start: float, end: float) -> None:
    """Decode a little at the beginning of a span, if it is not empty; raises DecodeError where nothing is."""
    length = min(_TASTE, end - start)
    if length <= 0:
        return
    if isinstance(stream, VideoStreamInfo):
        # A span shorter than a frame holds none of its own.
        reader.read_video(start, max(length, 1 / stream.fps), stream.fps, max_frames=1)
    elif not reader.read_audio(start, length, stream.sampling_rate, channels=None).present:
        raise DecodeError(f"no sound of stream {stream.index} decodes from {start:.2f} to {start + length:.2f} s")

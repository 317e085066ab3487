"""Drawing on a film: every frame painted, and its sound kept."""

import os
from math import inf
from pathlib import Path

from avssl_hub.media._rewrite import Paint, rewrite
from avssl_hub.media._source import MediaSource


def repaint_media(
    source: MediaSource,
    destination: str | os.PathLike,
    paint: Paint,
    *,
    until: float = inf,
    gop: int = 12,
    crf: int = 18,
    overwrite: bool = False,
) -> Path:
    """Write a film again with each frame painted, one frame at a time, so in memory that does not grow with it.

    Every frame keeps its time and streams keep their offsets. Sound is copied bit for bit where mp4 can hold it, and
    becomes AAC of the same rate otherwise.

    Args:
        source: Path, bytes, or a seekable binary file object.
        destination: Where to write the mp4 file; appears when complete.
        paint: Called with each frame, uint8 RGB ``(H, W, 3)``, upright, and its time in seconds on the container's
            clock; returns the frame to show, of the same size. Odd sides then become the even number below.
        until: Time at which the film is cut short; sound is cut to within one of its frames.
        gop: Frames from one keyframe to the next.
        crf: Quality of x264, 0 (lossless) to 51.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        MediaOpenError: The source is missing, empty or not media.
        MissingStreamError: The source has no picture.
        DecodeError: No frame of it decodes.
        MediaWriteError: The destination exists already or cannot be written.
    """
    return rewrite(source, destination, gop, crf, overwrite, paint=paint, until=until)

"""Re-encoding a file so that random clips decode fast."""

import os
from pathlib import Path

from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media._rewrite import rewrite
from avssl_hub.media._source import MediaSource


def prepare_media(
    source: MediaSource,
    destination: str | os.PathLike,
    *,
    gop: int = 12,
    crf: int = 18,
    short_side: int | None = None,
    sampling_rate: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Re-encode a file with a keyframe every few frames, so that reading a clip decodes few frames to keep some.

    **Pixels change**: the result is for training and for speed, never for comparing numbers with a paper. Timing
    does not: every frame keeps its time, streams keep their offsets. The best picture and sound streams are kept;
    sound is copied bit for bit where mp4 can hold it and becomes AAC otherwise, unless ``sampling_rate`` is given;
    frames are turned upright.

    Args:
        source: Path, bytes, or a seekable binary file object.
        destination: Where to write the mp4 file; appears when complete.
        gop: Frames from one keyframe to the next.
        crf: Quality of x264, 0 (lossless) to 51.
        short_side: Scale larger pictures down to this many pixels on the shorter side; None keeps the size. Odd
            sides become the even number below.
        sampling_rate: Store the sound in mono at this rate, without loss, so that reading it at this rate decodes and
            resamples almost nothing and gives the same samples; None keeps the sound as it is.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        InvalidValueError: ``short_side`` is too small, or ``sampling_rate`` out of range.
        MediaOpenError: The source is missing, empty or not media.
        MissingStreamError: The source has no picture.
        DecodeError: No frame of it decodes.
        MediaWriteError: The destination exists already or cannot be written.
    """
    if short_side is not None and short_side < 2:
        raise InvalidValueError(explain("short_side", short_side, "at least 2 pixels, or None to keep the size"))
    if sampling_rate is not None and not 1000 <= sampling_rate <= 65535:
        raise InvalidValueError(explain("sampling_rate", sampling_rate, "1000 to 65535 Hz, or None to keep the sound"))
    return rewrite(source, destination, gop, crf, overwrite, short_side=short_side, sampling_rate=sampling_rate)

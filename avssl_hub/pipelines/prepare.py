"""Many files re-encoded for fast random access into one folder, resumed by content."""

from collections.abc import Callable
from pathlib import Path

from ..data.media_files import FoundMedia
from ..media import prepare_media
from ._resumed import Job, PrepareReport, make_each, separate_targets


def prepare_files(
    found: FoundMedia,
    folder: str | Path,
    *,
    gop: int = 12,
    crf: int = 18,
    short_side: int | None = None,
    sampling_rate: int | None = None,
    keep_going: bool = False,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> PrepareReport:
    """Re-encode videos into a folder that mirrors where they were found; **their pixels change**.

    See :func:`make_each` for how a run that was cut goes on.

    Args:
        found: The videos.
        folder: Where to write, made if missing; ``clip.avi`` becomes ``clip.mp4``.
        gop: Frames from one keyframe to the next.
        crf: Quality of x264, 0 (lossless) to 51.
        short_side: Scale larger pictures down to this many pixels on the shorter side.
        sampling_rate: Store the sound in mono at this rate, without loss, in Hz; None keeps it as it is.
        keep_going: Note a bad file in the report and go on, in place of stopping.
        force: Replace files made from other content or with other settings, or by others.
        progress: Called with the number of files done and of all files.

    Returns:
        Counts, and the files that failed.

    Raises:
        OutputError: A source would be overwritten, two would become one file, or a file that is there was not
            made from this source.
        MediaError: A file cannot be read or written.
    """
    folder = Path(folder)
    settings = {"gop": gop, "crf": crf, "short_side": short_side, "sampling_rate": sampling_rate}
    targets = separate_targets(found, lambda file, root: folder / file.relative_to(root).with_suffix(".mp4"))
    jobs = [Job(file, target, settings) for file, target in zip(found.files, targets)]

    def make(job: Job) -> tuple[str, ...]:
        prepare_media(job.source, job.target, **job.settings)
        return ()

    return make_each(jobs, folder, make, keep_going=keep_going, force=force, progress=progress)

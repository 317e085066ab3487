"""Downloaded 360° videos into prepared folders, as networks for spatial sound are trained on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

from ..data.media_files import FoundMedia
from ..data.spatial import ChunkRules, UnequalLengthsError, write_folder
from ..media import PictureReader, SoundReader, probe, read_spatial_metadata
from ._resumed import Job, PrepareReport, make_each, separate_targets
from ._sphere_source import (
    UnfitVideoError,
    VideoLayout,
    ambisonic_blocks,
    ambisonic_channels,
    check_channels,
    sphere_frames,
    sphere_of,
)

HEIGHT = 224
RULES = ChunkRules()
TOLD_BY_FILE = VideoLayout()


def prepare_360(
    found: FoundMedia,
    folder: str | Path,
    *,
    layout: VideoLayout = TOLD_BY_FILE,
    layouts: Mapping[str, VideoLayout] | None = None,
    channels: Sequence[int] | None = None,
    keep_going: bool = False,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> PrepareReport:
    """Write each video's sound and frames as a folder of its name, which :class:`SpatialFolder` reads.

    Sound is brought to 48 kHz, frames to 448 × 224 pixels at 10 a second, equirectangular; of both, the whole seconds
    count that both have. The authors' own files went through lossy AAC and H.264 once more before they were cut; these
    are decoded straight, so that samples and pixels differ a little from theirs. See :func:`make_each` for how a run
    that was cut goes on.

    Args:
        found: The videos.
        folder: Where to write, made if missing; ``street.mp4`` becomes the folder ``street``.
        layout: How frames cover the sphere; by default a file's metadata tell, or frames are twice as wide as high.
        layouts: The same of single videos, by their names without suffix; it goes before ``layout``.
        channels: Which channels of the sound are W, Y, Z and X; by default metadata tell, or else the codec: six
            channels of AAC are YouTube's, four are as they are, as are the first of nine or sixteen.
        keep_going: Note a bad file in the report and go on, in place of stopping.
        force: Replace folders made from other content or with other settings, or by others.
        progress: Called with the number of files done and of all files.

    Returns:
        Counts, the files that failed, and what was taken for granted of others.

    Raises:
        InvalidValueError: ``channels`` are not four different numbers from 0 on.
        OutputError: Two sources would become one folder, or a folder that is there was not made from this source.
        UnfitVideoError: A file has no ambisonic sound, is too short or of an unknown layout.
        MediaError: A file cannot be read.
    """
    check_channels(channels)
    folder, layouts = Path(folder), layouts or {}
    chosen = {file: layouts.get(file.stem, layout) for file in found.files}
    jobs = [
        Job(file, target, {"layout": list(astuple(chosen[file])), "channels": channels and list(channels)})
        for file, target in zip(found.files, separate_targets(found, lambda file, _: folder / file.stem))
    ]

    def make(job: Job) -> tuple[str, ...]:
        try:
            return _prepare(job.source, job.target, chosen[job.source], channels)
        except UnequalLengthsError as error:
            raise UnfitVideoError(str(error), str(job.source)) from error

    return make_each(jobs, folder, make, keep_going=keep_going, force=force, progress=progress)


def _prepare(source: Path, target: Path, layout: VideoLayout, channels: Sequence[int] | None) -> tuple[str, ...]:
    name, info, metadata = str(source), probe(source), read_spatial_metadata(source)
    stream, order = ambisonic_channels(name, info.audio, metadata, channels)
    with PictureReader(source) as pictures, SoundReader(source, RULES.sampling_rate, stream) as sound:
        sphere = sphere_of(name, pictures.stream, metadata, layout)
        # The picture is read for as long as the sound lasts too, from where the sound begins.
        number = int((pictures.stream.end - sound.start) * RULES.fps)
        times = (sound.start + frame / RULES.fps for frame in range(number))
        write_folder(target, ambisonic_blocks(sound, order), sphere_frames(pictures, sphere, times, HEIGHT), RULES)
    return sphere.notes

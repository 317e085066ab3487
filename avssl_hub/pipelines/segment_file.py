"""One 360° film in, files out: the film with its classes painted over, and a table of how much each one shows."""

import csv
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..errors import InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from ..media import repaint_media, write_spatial_metadata
from ..media.spherical import EQUIRECTANGULAR
from ..outputs import check_apart, check_suffix, replacing
from ..video.class_overlay import add_legend, class_colours, overlay_classes
from ._segmentation_stream import Moment, SegmentationStream
from ._sphere_source import VideoLayout
from .segment import Segmentation, SegmentationPipeline
from .spatial_heat import eyes_of


def segment_file(
    pipe: SegmentationPipeline,
    source: str | PathLike,
    overlay: Path | None = None,
    table: Path | None = None,
    *,
    every: float | None = None,
    layout: VideoLayout | None = None,
    channels: Sequence[int] | None = None,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Segmentation:
    """Segment a film, moment by moment in bounded memory, and write what was found.

    Args:
        pipe: The pipeline.
        source: The film.
        overlay: The film painted over (mp4): every frame with the classes of its moment, both eyes' pictures alike,
            a legend, the film's own sound, and its spatial metadata.
        table: Share of each class in percent, a row a second (csv).
        every: As of :meth:`SegmentationPipeline.__call__`, like the next two.
        layout: How the picture covers the sphere.
        channels: Which channels are W, Y, Z, X.
        force: Replace files that are there.
        progress: Called with the moments done and of all.

    Returns:
        What was found, without maps.

    Raises:
        OutputError: An output cannot be written, is there already, or is the film itself.
        InvalidValueError: The film is to be painted, and is not equirectangular.
        AvsslError: As ``SegmentationPipeline.__call__`` raises.
    """
    _check([(overlay, ".mp4"), (table, ".csv")], Path(source), force)
    with heard_interrupts() as check, pipe.open(source, every, layout, channels) as stream, ExitStack() as stack:
        moments = _Moments(stream, check, progress)
        if overlay:
            part = stack.enter_context(replacing(overlay))
            _paint(source, part, moments, stream, pipe.classes)
        found = pipe.told(stream, moments.to_the_end(), keep_maps=False)
        if table:
            _write_table(found, stack.enter_context(replacing(table)))
        check()
    return found


class _Moments:
    """Moments as they are asked for by rising times; all that were had are kept without their maps."""

    def __init__(
        self, stream: SegmentationStream, check: Callable[[], None], progress: Callable[[int, int], object] | None
    ):
        self._stream, self._check, self._progress = stream, check, progress
        self._moments = iter(stream)
        self._had: list[Moment] = []
        self._shown: Moment | None = None

    def at(self, time: float) -> Moment:
        """Give the moment that a time lies in; before the first and after the last, these."""
        while self._shown is None or time >= self._shown.time + self._stream.every - 1e-6:
            if not self._next():
                break
        return self._shown

    def to_the_end(self) -> list[Moment]:
        """Go through the rest; give all, with maps of no pixels."""
        while self._next():
            pass
        return self._had

    def _next(self) -> bool:
        moment = next(self._moments, None)
        if moment is None:
            return False
        self._check()
        self._shown = moment
        self._had.append(moment._replace(classes=moment.classes[:0, :0]))
        if self._progress:
            self._progress(len(self._had), max(self._stream.count, len(self._had)))
        return True


def _check(outputs: list[tuple[Path | None, str]], source: Path, force: bool) -> None:
    wanted = [(path, suffix) for path, suffix in outputs if path]
    for path, suffix in wanted:
        check_suffix(path, [suffix], force)
        check_apart(path, source)


def _paint(
    source: str | PathLike, target: Path, moments: _Moments, stream: SegmentationStream, names: Sequence[str]
) -> None:
    sphere = stream.sphere
    if sphere.projection != EQUIRECTANGULAR:
        got = f"a picture of projection {sphere.projection!r}"
        step = "Leave the overlay out and take the table, or convert the film."
        raise InvalidValueError(explain("overlay", got, "an equirectangular one", step))
    colours = class_colours(len(names))

    def paint(frame: torch.Tensor, time: float) -> torch.Tensor:
        moment, painted = moments.at(time), frame.clone()
        for eye in eyes_of(painted, sphere.stereo):
            rows, columns = sphere.shown(*moment.classes.shape)
            eye.copy_(overlay_classes(eye, moment.classes[rows, columns], colours))
            add_legend(eye, names, moment.shares, colours)
        return painted

    with TemporaryDirectory(prefix=".", suffix=".part", dir=target.absolute().parent) as scratch:
        film = Path(scratch) / "film.mp4"
        repaint_media(source, film, paint)
        write_spatial_metadata(film, target, sphere.metadata, stream.metadata.audio)


def _write_table(found: Segmentation, path: Path) -> None:
    seconds, shares = found.per_second()
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["second", *found.classes])
        for second, row in zip(seconds, (100 * shares).tolist()):
            writer.writerow([second, *(f"{share:.3f}" for share in row)])

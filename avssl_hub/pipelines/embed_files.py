"""Many files into one table of embeddings: interrupted and resumed by content, bad files told apart."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from .. import __version__
from ..data.media_files import content_sha256
from ..errors import AvsslError
from ..jobs.interrupts import heard_interrupts
from ..jobs.ranks import Ranks
from ..media import MediaError
from ._partial import PartialWork
from ._windows import check_sampling
from .embed import EmbeddingPipeline
from .tables import check_output, clip_rows, failed_row, of_file, write_table

_logger = logging.getLogger(__name__)
_ENDED_AT = (
    "An earlier run was ended while it read %s. If this one is too, its decoder crashes or memory is short: leave the "
    "file out; avssl data check finds all such files."
)


class BadFileError(AvsslError):
    """A file could not be embedded and the run was not told to go on past it."""


@dataclass(frozen=True)
class EmbedReport:
    """What became of a run, in all its processes together.

    Attributes:
        out: The table.
        files: Number of files in it.
        rows: Number of its rows.
        reused: Files whose rows an earlier, interrupted run (or a file of equal content) had made.
        failed: Why each bad file failed, by file.
    """

    out: Path
    files: int
    rows: int
    reused: int
    failed: dict[Path, str]


@dataclass
class _Part:
    """What one process found out about its share: contents by file, why files failed, and how many were done."""

    digests: dict[Path, str] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)
    reused: int = 0


def partial_folder(out: str | Path) -> Path:
    """Return the folder that keeps finished work until the table ``out`` is complete."""
    out = Path(out)
    return out.with_name(f"{out.name}.partial")


def embed_files(
    pipe: EmbeddingPipeline,
    files: Sequence[str | Path],
    out: str | Path,
    *,
    every: float | None = None,
    clips: int | None = None,
    keep_going: bool = False,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
    ranks: Ranks | None = None,
) -> EmbedReport:
    """Embed files into one table, a row a window and at least one row a file.

    The columns are ``file``, ``sha256`` of its content, ``start`` and ``end`` in seconds, ``has_audio``,
    ``status`` ("ok" or "error"), ``reason`` (what is missing or odd, or why the file failed), ``video_embeds`` and
    ``audio_embeds``. A model that compares views of 360 degrees adds ``view_azimuth_degrees``,
    ``view_elevation_degrees``, ``view_video_embeds`` and ``view_audio_embeds``, each a list over the views. Where a
    film's sound lies in a file beside it, ``sha256`` names both. What made the rows stands as JSON under ``avssl`` in
    the table's metadata.

    Finished files are kept in ``<out>.partial`` until the table is complete, so running the same again after a
    cut goes on where it stopped, even if files were renamed or added. Files that failed are tried again, and one at
    which a run was ended with no time to say so is named in a warning.

    Several processes, on any number of machines with one file system, deal the files out among them: at random, in
    equal numbers, and otherwise in each run that finds more files finished, so that all share what a lost process
    has left. They wait for each other only at the start and the end; then the first writes the table, which is that
    of a single process. A run may go on with another number of processes.

    Args:
        pipe: The pipeline.
        files: Media files; those of the first process count.
        out: The table: ``.parquet``, ``.npz`` or ``.safetensors``.
        every: Seconds from window to window; see :class:`EmbeddingPipeline`.
        clips: Number of windows a file; see :class:`EmbeddingPipeline`.
        keep_going: Give a bad file a row with its error and go on, in place of stopping.
        force: Replace a table that exists, and drop partial work made under other settings.
        progress: Called with the number of files done and of all files in this process's share.
        ranks: The processes of the job, from :func:`~avssl_hub.jobs.ranks.joined_ranks`; by default this one.

    Returns:
        Counts, and the files that failed; the same in all processes.

    Raises:
        InvalidValueError: ``every`` or ``clips`` is not positive, or both are given.
        BadFileError: A file could not be embedded; the finished ones are kept.
        OutputError: The table exists, has an unknown suffix or cannot be written, or partial work has other settings
            or lies where another machine does not see it.
        LostRankError: Another process ended before the work was done; finished files are kept.
    """
    ranks = ranks or Ranks()
    out = Path(out)
    check_sampling(every, clips)
    check_output(out, force)
    settings = {"avssl_hub": __version__, **pipe.fingerprint(), "every": every, "clips": clips}
    # The name is no part of it: the same weights may lie in several places.
    noted = {k: v for k, v in settings.items() if k != "model"}
    with ranks.first_goes_ahead():
        work = PartialWork(partial_folder(out), noted, force, made=not ranks.first)
    # Of earlier runs: no process has begun a file of this one.
    files, finished, begun = ranks.from_first(([Path(file) for file in files], len(work), work.begun()))
    part = _Part()
    share = ranks.share(files, seed=finished)
    with heard_interrupts() as check:
        for number, file in enumerate(share):
            if progress:
                progress(number, len(share))
            try:
                part.digests[file] = " ".join(map(content_sha256, pipe.files_of(file)))
                if part.digests[file] in work:
                    part.reused += 1
                    continue
                if part.digests[file] in begun:
                    _logger.warning(_ENDED_AT, file)
                with work.reading(part.digests[file]):
                    rows = clip_rows(pipe(file, every=every, clips=clips))
                check()
                work.save(part.digests[file], rows)
            except MediaError as error:
                check()
                if not keep_going:
                    raise _stopped(file, error, work, alone=ranks.size == 1) from error
                part.failed[file] = str(error)
    if progress:
        progress(len(share), len(share))
    parts = ranks.to_first(part)
    views = pipe.look is not None
    return ranks.from_first(_merge(parts, files, work, out, settings, views) if ranks.first else None)


def _merge(
    parts: Sequence[_Part],
    files: Sequence[Path],
    work: PartialWork,
    out: Path,
    settings: dict[str, Any],
    views: bool,
) -> EmbedReport:
    digests = {file: digest for part in parts for file, digest in part.digests.items()}
    reasons = {file: reason for part in parts for file, reason in part.failed.items()}
    failed = {file: reasons[file] for file in files if file in reasons}
    count = 0

    def tables() -> Iterator[pa.Table]:
        nonlocal count
        for file in files:
            rows = failed_row(failed[file], views) if file in failed else work.load(digests[file])
            count += len(rows)
            yield of_file(rows, str(file), digests.get(file))

    write_table(out, tables(), settings, views)
    work.remove()
    return EmbedReport(out, len(files), count, sum(part.reused for part in parts), failed)


def _stopped(file: Path, error: MediaError, work: PartialWork, alone: bool) -> BadFileError:
    step = (
        "Run the same again with --keep-going to give bad files a row with the reason and go on, or without this file."
    )
    kept = f" Finished files, kept in {work.folder}: {len(work)}." if len(work) else ""
    if alone and not kept:
        work.remove()
    return BadFileError(f"{file} cannot be embedded: {error}{kept} {step}")

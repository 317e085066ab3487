"""``avssl data check``: is the copy of a data set whole?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._console import count, note, progress_bar, say, say_error, show, table
from .._devices import core_count
from ._copy import check_against

if TYPE_CHECKING:
    from ...data.manifest import Manifest
    from ...pipelines.check import CheckReport

_SHOWN = 10  # failures named on the terminal
_WORTH_A_PROCESS = 32  # files
_BOUNDS = (0, 1, 2, 5, 10, 20, 60, 600)  # seconds


def run(
    source: Annotated[
        Path, typer.Argument(help="A manifest (.csv, .tsv, .parquet), a folder of media files, or hf://owner/name.")
    ],
    task: Annotated[
        str | None, typer.Option(help="Benchmark whose data this is a copy of: compare with its list and numbers.")
    ] = None,
    listing: Annotated[
        Path | None, typer.Option("--list", help="The task's official list, if it does not lie in its usual place.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Table to write, a row a file: .csv, .tsv or .parquet.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a processor.")] = None,
    sha256: Annotated[
        bool, typer.Option("--sha256", help="Hash every file; a column sha256 is compared in any case.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.")] = False,
) -> None:
    """Open every file and decode a little at both ends of it.

    Exit status 1 means that files are missing, broken or changed, or that the copy of a task's data is not whole.
    """
    from ...data.manifest import check_suffix
    from ...errors import InvalidValueError, explain
    from ...outputs import check_new
    from ...pipelines.check import check_media

    if out:
        check_suffix(out)
        check_new(out, force)
    if listing and not task:
        raise InvalidValueError(explain("--list", str(listing), "a task with it", "Add --task."))
    manifest, whole = check_against(task, source, listing) if task else (_manifest(source), True)
    if manifest is None:
        raise typer.Exit(1)
    with progress_bar("checking") as move:
        # A process takes seconds to start, in which one that runs checks some files.
        jobs = min(jobs or core_count(), 1 + len(manifest) // _WORTH_A_PROCESS)
        report = check_media(manifest, jobs=jobs, digest=sha256, progress=move)
    if out:
        report.manifest.write(out)
    _tell(report, out)
    if report.bad or not whole:
        raise typer.Exit(1)


def _manifest(source: Path) -> "Manifest":
    from ...data.dataset_tables import is_dataset
    from ...data.datasets import build
    from ...data.labelled import read_labelled
    from ...data.media_files import NoMediaError
    from ...errors import explain

    if is_dataset(source) or not source.is_dir():
        return read_labelled(source)
    manifest = build("folder", source).manifest
    if manifest is None:
        raise NoMediaError(explain(f"looking for media in {source}", "no media file", "at least one"))
    return manifest


def _tell(report: "CheckReport", out: Path | None) -> None:
    import numpy as np

    failures = list(report.failures())
    for name, status, reason in failures[:_SHOWN]:
        say_error(f"{status}: {name}: {reason}")
    if len(failures) > _SHOWN:
        where = f"{out} has them all" if out else "-o report.csv names them all"
        note(f"… and {len(failures) - _SHOWN} more; {where}.")
    lengths = report.durations()
    if len(lengths):
        rows = table("seconds", "files")
        numbers, _ = np.histogram(lengths, [*_BOUNDS, np.inf])
        for low, high, number in zip(_BOUNDS, [*_BOUNDS[1:], None], numbers):
            if number:
                rows.add_row(f"{low} to {high}" if high else f"from {low}", str(number))
        show(rows)
        say(f"Together {lengths.sum() / 3600:.2f} h, {lengths.min():.2f} to {lengths.max():.2f} s each.")
    for names in report.duplicates():
        note(f"the same content: {', '.join(names)}")
    say(f"Without sound: {report.silent}. Without picture: {report.blind}.")
    counts = ", ".join(f"{number} {status}" for status, number in sorted(report.counts.items()))
    say(f"{count(len(report.manifest), 'row')}: {counts}")

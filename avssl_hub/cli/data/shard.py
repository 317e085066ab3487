"""``avssl data shard``: many media files into few tar files."""

import re
from pathlib import Path
from typing import Annotated

import typer

from .._console import count, note, progress_bar, say

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def run(
    manifest: Annotated[Path, typer.Argument(help="What to copy: .csv, .tsv or .parquet.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    size: Annotated[str, typer.Option(help="When a tar is full, such as 500MB or 1GB.")] = "1GB",
    force: Annotated[bool, typer.Option("--force", help="Drop shards of another list or size.")] = False,
) -> None:
    """Copy the files of a list into WebDataset tars, with a manifest to train on.

    A run that was cut goes on behind the last whole tar when the same command is given again.
    """
    from ...data.manifest import Manifest
    from ...data.shards import write_shards

    full = _bytes(size)
    listed = Manifest.read(manifest)
    try:
        with progress_bar("copying") as move:
            report = write_shards(listed, out, size=full, force=force, progress=move)
    except KeyboardInterrupt:
        note(f"Whole tars are kept in {out}; give the same command again to go on.")
        raise
    known = f", {report.reused} of them there already" if report.reused else ""
    say(f"{report.manifest}: {count(report.files, 'file')} in {count(report.written + report.reused, 'tar')}{known}")


def _bytes(size: str) -> int:
    from ...errors import InvalidValueError, explain

    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)B?", size.strip().upper())
    if not found:
        raise InvalidValueError(explain("--size", repr(size), "a number of bytes, such as 500MB or 1GB"))
    return int(float(found[1]) * _UNITS[found[2]])

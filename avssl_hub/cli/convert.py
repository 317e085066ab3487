"""``avssl convert``: the authors' checkpoint into this library's weights."""

from pathlib import Path
from typing import Annotated

import typer

from ._companions import companion
from ._console import note, progress_bar, say


def run(
    name: Annotated[str, typer.Argument(help="Checkpoint to make; avssl ls lists them.")],
    checkpoint: Annotated[Path | None, typer.Option(help="The authors' file, or what was unpacked from it.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch the authors' file; a cut fetch goes on.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write; by default where models are looked for.")
    ] = None,
    banks: Annotated[bool, typer.Option("--banks", help="Write the training's memory banks too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier conversion.")] = False,
) -> None:
    """Convert a checkpoint and check it against an independent restatement."""
    from ..errors import InvalidValueError, explain

    if download == (checkpoint is not None):
        got = "both" if download else "neither"
        raise InvalidValueError(explain("--checkpoint and --download", got, "one of the two"))
    convert = companion("conversion.registry").convert
    try:
        with progress_bar("downloading", "MB") as move:

            def progress(here: int, size: int | None) -> None:
                move(here // 10**6, size and size // 10**6)

            report = convert(name, checkpoint, out, banks=banks, force=force, progress=progress)
    except KeyboardInterrupt:
        note("Nothing was written; give the same command again, a cut download goes on where it stopped.")
        raise
    say(report.summary())

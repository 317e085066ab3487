"""``avssl data prepare``: videos re-encoded for fast random access."""

from pathlib import Path
from typing import Annotated

import typer

from .._console import count, note, progress_bar, say, say_error


def run(
    sources: Annotated[list[Path], typer.Argument(help="Videos, and folders to walk for them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    gop: Annotated[int, typer.Option(min=1, help="Frames from one keyframe to the next.")] = 12,
    crf: Annotated[int, typer.Option(min=0, max=51, help="Quality of x264, 0 is lossless.")] = 18,
    short_side: Annotated[
        int | None, typer.Option(min=16, help="Scale larger pictures down to this many pixels on the shorter side.")
    ] = None,
    sampling_rate: Annotated[
        int | None,
        typer.Option(min=1000, max=65535, help="Store the sound in mono at this rate in Hz, without loss."),
    ] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Go on past files that cannot be read.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that were made otherwise.")] = False,
) -> None:
    """Re-encode videos so that random clips decode fast. Pixels change: use the results to train, not to compare."""
    from ...data.media_files import find_media
    from ...pipelines.prepare import prepare_files

    found = find_media(sources)
    note("Re-encoding changes pixels: train on the results, but compare with papers on the originals.")
    try:
        with progress_bar("preparing") as move:
            report = prepare_files(
                found,
                out,
                gop=gop,
                crf=crf,
                short_side=short_side,
                sampling_rate=sampling_rate,
                keep_going=keep_going,
                force=force,
                progress=move,
            )
    except KeyboardInterrupt:
        note(f"Finished files are in {out}; give the same command again to go on.")
        raise
    say(f"{report.folder}: {count(report.written, 'file')} written, {report.reused} there already")
    if report.failed:
        reasons = "\n".join(f"  {file}: {reason}" for file, reason in report.failed.items())
        say_error(f"{count(len(report.failed), 'file')} failed:\n{reasons}")
        raise typer.Exit(1)

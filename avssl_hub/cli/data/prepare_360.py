"""``avssl data prepare-360``: 360° videos with ambisonic sound into folders to train on."""

from pathlib import Path
from typing import Annotated

import typer

from .._console import count, note, progress_bar, say, say_error
from .._numbers import channel_numbers


def run(
    sources: Annotated[list[Path], typer.Argument(help="Videos, and folders to walk for them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write; a folder in it for each video.")],
    only: Annotated[
        Path | None, typer.Option("--list", help="Text file of the names of the videos to take, without suffix.")
    ] = None,
    video_formats: Annotated[
        Path | None,
        typer.Option(help="Table of a name, a number, MONO or STEREO, and ER or EAC a line, as the authors have it."),
    ] = None,
    projection: Annotated[
        str | None, typer.Option(help="equirectangular, cubemap or eac (YouTube's), of videos that the table lacks.")
    ] = None,
    stereo: Annotated[
        str | None, typer.Option(help="mono, top-bottom, left-right or right-left, likewise; else the file tells.")
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            help="Which channels are W,Y,Z,X, counted from 0: 0,2,3,1 for files of W,X,Y,Z, such as REC-Street's .mov. "
            "By default the file's metadata or its codec tells."
        ),
    ] = None,
    skipped: Annotated[Path | None, typer.Option(help="Table to write of files that failed, and why (.tsv).")] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Go on past files that do not fit.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace folders that were made otherwise.")] = False,
) -> None:
    """Cut 360° videos into seconds of 48 kHz ambisonic sound and 448 × 224 frames, 10 a second.

    Exit status 1 means that some files failed.
    """
    from ...data.datasets.spatial_audio_gen import read_ids, read_video_formats
    from ...data.media_files import find_media
    from ...errors import some_of
    from ...outputs import check_suffix, replacing
    from ...pipelines._sphere_source import FORMATS, VideoLayout
    from ...pipelines.prepare_360 import prepare_360

    if skipped:
        check_suffix(skipped, [".tsv"], force)
    layouts = {name: FORMATS[told] for name, told in read_video_formats(video_formats).items()} if video_formats else {}
    order = channel_numbers(channels)
    found = find_media(sources)
    if only:
        wanted = read_ids(only)
        found = found.named(wanted)
        if absent := sorted(set(wanted) - {file.stem for file in found.files}):
            note(f"{len(absent)} of {count(len(wanted), 'listed video')} not here: {some_of(absent)}")
    try:
        with progress_bar("preparing") as move:
            report = prepare_360(
                found,
                out,
                layout=VideoLayout(projection, stereo),
                layouts=layouts,
                channels=order,
                keep_going=keep_going,
                force=force,
                progress=move,
            )
    except KeyboardInterrupt:
        note(f"Finished folders are in {out}; give the same command again to go on.")
        raise
    for file, remarks in report.remarks.items():
        note(f"{file.name}: {'; '.join(remarks)}.")
    say(f"{report.folder}: {count(report.written, 'video')} written, {report.reused} there already")
    if skipped:
        with replacing(skipped) as partial:
            lines = [f"{file}\t{reason}\n" for file, reason in report.failed.items()]
            partial.write_text("".join(["file\treason\n", *lines]), encoding="utf-8")
    if report.failed:
        reasons = "\n".join(f"  {file}: {reason}" for file, reason in report.failed.items())
        say_error(f"{count(len(report.failed), 'file')} failed:\n{reasons}")
        raise typer.Exit(1)

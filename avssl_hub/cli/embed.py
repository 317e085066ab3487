"""``avssl embed``: files and folders into one table of embeddings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._console import count, note, progress_bar, say, say_error
from ._devices import Device, chosen_device
from ._numbers import channel_numbers, directions
from ._sphere_options import Channels, Projection, Stereo

if TYPE_CHECKING:
    from ..pipelines.embed_files import EmbedReport


def run(
    paths: Annotated[list[Path], typer.Argument(help="Media files, and folders to walk for them.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Name, folder or Hub id of the model.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Table to write: .parquet, .npz or .safetensors.")],
    every: Annotated[
        float | None, typer.Option(help="Seconds from one window to the next; by default windows touch.")
    ] = None,
    clips: Annotated[int | None, typer.Option(help="Look only at this many windows, evenly spaced.")] = None,
    views: Annotated[
        int | None, typer.Option(help="360°: views of a window, evenly around the horizon; by default the model's.")
    ] = None,
    look: Annotated[
        list[str] | None,
        typer.Option(help="360°: AZIMUTH,ELEVATION of a view in degrees, left and up positive; in place of --views."),
    ] = None,
    view_width: Annotated[float | None, typer.Option(help="360°: degrees that a view is wide and high.")] = None,
    projection: Projection = None,
    stereo: Stereo = None,
    channels: Channels = None,
    device: Device = None,
    batch_size: Annotated[int, typer.Option(help="Windows a forward pass.")] = 8,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Give a bad file a row with its error and go on.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT, and drop unfinished work with other settings.")
    ] = False,
) -> None:
    """Embed the picture and sound of your files.

    One row a window: file, sha256, start, end, has_audio, status, reason, video_embeds, audio_embeds.

    Models that compare views (AVSA) take films of 360 degrees with ambisonic sound, in them or beside them as NAME.m4a,
    and add view_azimuth_degrees, view_elevation_degrees, view_video_embeds and view_audio_embeds, each a list over the
    views; the columns before hold the largest values among these. Mono and stereo sound is left out, and said to be.

    A run that was cut goes on where it stopped when the same command is given again.

    Several processes, each with a GPU, share the files: torchrun --nproc-per-node N -m avssl_hub.cli embed …
    Machines need a common file system. A process that is lost costs only its unfinished files: give the same command
    again, with any number of processes, or let torchrun --max-restarts do so.

    Exit status 1 means that some files failed; under --max-restarts, which would do all again, it is 0.
    """
    from math import radians

    from ..data.media_files import find_media
    from ..jobs.ranks import joined_ranks
    from ..pipelines.embed import EmbeddingPipeline
    from ..pipelines.embed_files import embed_files, partial_folder
    from ..pipelines.look_360 import Look360
    from ..pipelines.tables import check_output

    told = {
        "num_views": views,
        "directions": directions(look or ()),
        "width": None if view_width is None else radians(view_width),
        "projection": projection,
        "stereo": stereo,
        "channels": channel_numbers(channels),
    }
    given = {name: value for name, value in told.items() if value is not None}
    with joined_ranks() as ranks:
        check_output(out, force)
        found = find_media(paths)
        if found.passed_over and ranks.first:
            note(f"Passing over {count(found.passed_over, 'other file')} in the folders.")
        pipe = EmbeddingPipeline(
            model,
            device=chosen_device(device, ranks.local_rank),
            batch_size=batch_size,
            look=Look360(**given) if given else None,
        )
        label = "embedding" if ranks.size == 1 else f"embedding, process {ranks.rank + 1} of {ranks.size}"
        try:
            with progress_bar(label, shown=ranks.local_rank == 0) as move:
                report = embed_files(
                    pipe,
                    found.files,
                    out,
                    every=every,
                    clips=clips,
                    keep_going=keep_going,
                    force=force,
                    progress=move,
                    ranks=ranks,
                )
        except KeyboardInterrupt:
            if ranks.first:
                note(f"Finished files are kept in {partial_folder(out)}; give the same command again to go on.")
            raise
        # Said before any process ends, since a launcher stops the others when one ends with a status.
        if ranks.first:
            _say_report(report)
    if report.failed and not ranks.restarts:
        raise typer.Exit(1)


def _say_report(report: "EmbedReport") -> None:
    known = f", {report.reused} of them known from before" if report.reused else ""
    say(f"{report.out}: {count(report.rows, 'row')} of {count(report.files, 'file')}{known}")
    if report.failed:
        reasons = "\n".join(f"  {file}: {reason}" for file, reason in report.failed.items())
        say_error(f"{len(report.failed)} of {count(report.files, 'file')} failed:\n{reasons}")

"""``avssl data manifest``: the copy of a data set that is here, as a list to train on."""

from pathlib import Path
from typing import Annotated

import typer

from .._console import count, note, say, say_error


def run(
    kind: Annotated[
        str,
        typer.Argument(
            help="folder, speakers, shards, kinetics, kinetics_sounds, audioset, vggsound, vggss, flickr_soundnet, "
            "ucf101, hmdb51, esc50, esc10, dcase2013, rec_street, yt_clean, yt_music, yt_all, prepared_360 or "
            "yt360."
        ),
    ],
    root: Annotated[Path, typer.Argument(help="Folder of the media files, or hf://owner/name.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Manifest to write: .csv, .tsv or .parquet.")],
    listing: Annotated[
        Path | None,
        typer.Option("--list", help="The data set's official list, or folder of lists; a folder needs none."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Keep this split only.")] = None,
    missing: Annotated[Path | None, typer.Option(help="Text file for the names of files that are not here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT and the file of missing names.")] = False,
) -> None:
    """List the media files of a data set that are here.

    Exit status 1 means that none of them was found.
    """
    from ...data.datasets import build
    from ...data.manifest import check_suffix
    from ...outputs import check_new, replacing

    check_suffix(out)
    for path in filter(None, (out, missing)):
        check_new(path, force)
    found = build(kind, root, listing, split)
    if missing:
        with replacing(missing) as partial:
            partial.write_text("".join(f"{name}\n" for name in found.missing), encoding="utf-8")
    if found.missing:
        where = f"their names are in {missing}" if missing else "--missing FILE writes their names"
        note(f"{len(found.missing)} of {count(found.listed, 'listed file')} not here: {where}.")
    if found.repeated:
        note(f"{count(found.repeated, 'row')} of the list repeated others, and count once.")
    if found.extra:
        note(f"{count(len(found.extra), 'media file')} in {root} not in the list.")
    for text in found.notes:
        note(f"{text}.")
    if found.manifest is None:
        say_error(f"nothing to list: got no media file in {root} that is wanted; expected at least one")
        raise typer.Exit(1)
    found.manifest.write(out)
    say(f"{out}: {count(len(found.manifest), 'row')}")

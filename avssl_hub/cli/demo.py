"""``avssl demo``: see a model relate sound to picture, on clips of AVWorld or on your own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._console import count, note, progress_bar, say, show, table
from ._devices import Device, chosen_device
from ._spatial_demo import show_spatial_sound

if TYPE_CHECKING:
    from ..pipelines.match import Matches

_MOST_DRAWN = 16
_LABEL_LENGTH = 14


def run(
    paths: Annotated[list[Path] | None, typer.Argument(help="Your own files or folders; AVWorld if left out.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("avssl-demo"),
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Name, folder or Hub id; by default a tiny one of AVWorld.")
    ] = None,
    spatial: Annotated[
        bool, typer.Option("--spatial", help="Give the mono sound of a 360° clip of AVWorld its directions back.")
    ] = False,
    device: Device = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what an earlier demo wrote.")] = False,
) -> None:
    """Embed a few clips and draw which sound the model finds nearest to which picture, or show spatial sound."""
    from ..data.media_files import find_media
    from ..errors import InvalidValueError, explain
    from ..outputs import OutputError, make_folder
    from ..pipelines.embed import EmbeddingPipeline
    from ..pipelines.match import match
    from ..pipelines.match_figure import draw_matches

    if spatial:
        if paths:
            step = "For your own film: avssl spatialize FILM -o OUT.mp4 --heat HEAT.mp4"
            raise InvalidValueError(explain("files beside --spatial", len(paths), "none", step))
        show_spatial_sound(out, model or "spatial_audio_gen_tiny.avworld", chosen_device(device), force)
        return
    model = model or "avid_tiny.avworld"
    picture = out / "similarity.png"
    if picture.exists() and not force:
        step = "Choose another folder with -o, or pass --force to replace it."
        raise OutputError(explain(f"writing {picture}", "a file that exists already", "a new name", step))
    files = find_media(paths).files if paths else []
    pipe = EmbeddingPipeline(model, device=chosen_device(device))
    make_folder(out)
    if files:
        labels = [_short(file.stem) for file in files]
    else:
        files, labels = _export_world(out / "clips")
    if len(files) > _MOST_DRAWN:
        note(f"{len(files)} files: the first {_MOST_DRAWN} are compared; avssl embed takes them all.")
        files = files[:_MOST_DRAWN]
    with progress_bar("embedding") as move:
        matches = match(pipe, files, progress=move)
    subtitle = f"{model} on {count(len(files), 'clip')}" + ("" if paths else " of AVWorld, a procedural toy world")
    draw_matches(matches, labels, picture, subtitle)
    _report(matches, labels)
    say(f"Look at {picture}")


def _export_world(folder: Path) -> tuple[list[Path], list[str]]:
    """Write one held-out clip of each class of AVWorld as mp4."""
    from ..data.avworld import AVWorld, draw_scenes
    from ..data.avworld.export import export

    world = AVWorld()
    classes = draw_scenes(world.config, "test", range(200)).classes[:, 0].tolist()
    indices = [classes.index(label) for label in sorted(set(classes))]
    if folder.exists():
        for file in folder.glob("avworld_*.mp4"):
            file.unlink()
    note(f"Writing {len(indices)} clips of AVWorld to {folder}")
    return export(world, folder, "test", indices), [f"object {classes[index]}" for index in indices]


def _report(matches: "Matches", labels: list[str]) -> None:
    silent = [labels[index] for index in range(len(matches.files)) if index not in matches.sounds]
    blind = [labels[index] for index in range(len(matches.files)) if index not in matches.pictures]
    rows = table("picture", "nearest sound", "cosine", "its own sound")
    for row, (index, nearest) in enumerate(zip(matches.pictures, matches.nearest_sound())):
        own = "none" if index not in matches.sounds else "yes, its own" if nearest == index else "no"
        rows.add_row(labels[index], labels[nearest], f"{matches.similarity[row].max():.2f}", own)
    show(rows)
    if silent:
        say(f"Without sound, so in no column: {', '.join(silent)}")
    if blind:
        say(f"Without picture, so in no row: {', '.join(blind)}")
    found, found_back, both = matches.hits()
    say(f"{found} of {both} pictures find their own sound, {found_back} of {both} sounds their own picture.")


def _short(stem: str) -> str:
    return stem if len(stem) <= _LABEL_LENGTH else f"{stem[:6]}…{stem[-(_LABEL_LENGTH - 7) :]}"

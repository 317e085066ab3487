"""``avssl recognize``: what happens in a film, by a fine-tuned model."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ._console import note, progress_bar, say, show, table
from ._devices import Device, chosen_device


def run(
    file: Annotated[Path, typer.Argument(help="A film.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Folder, name or Hub id of a fine-tuned model.")],
    clips: Annotated[
        int | None, typer.Option(help="Clips to look at, evenly spaced; by default side by side, 10 at most.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many classes to name.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    device: Device = None,
) -> None:
    """Name what happens in a film: the most probable classes, averaged over clips of it."""
    from ..pipelines.recognize import RecognitionPipeline

    pipe = RecognitionPipeline(model, device=chosen_device(device))
    with progress_bar("recognising", "clips") as move:
        result = pipe(file, clips=clips, progress=move)
    best = result.top(top)
    if as_json:
        told = {
            "file": result.file,
            "model": model,
            "classes": [{"label": label, "probability": value} for label, value in best],
            "clip_starts": result.start.tolist(),
            "heard": result.heard,
            "notes": result.notes,
        }
        say(json.dumps(told, indent=2))
        return
    rows = table("class", "probability")
    for label, value in best:
        rows.add_row(label, f"{value:.1%}")
    show(rows)
    for line in result.notes:
        note(line)

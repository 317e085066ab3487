"""``avssl train``: a recipe into a model folder."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ._console import note, progress_bar, say, say_error

AGAIN = "Give the same command again with --resume to go on from the newest checkpoint."


def run(
    recipe: Annotated[str, typer.Argument(help="A YAML file, or the name of a recipe such as avid/tiny_avworld.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change, such as loop.steps=100.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint in the folder.")] = False,
) -> None:
    """Train a model on AVWorld or, with data.manifest=LIST, on recordings.

    Several processes train together when started by torchrun --nproc-per-node N -m avssl_hub.cli train …

    SIGTERM saves the run and ends it with exit status 143; torchrun itself then ends with its own.
    """
    from transformers.utils.logging import disable_progress_bar

    from ..training import TrainingTerminated, load_recipe, train
    from ..training.broken import BROKEN_FILE
    from ..training.termination import EXIT_STATUS

    settings = load_recipe(recipe, overrides or ())
    disable_progress_bar()
    # torchrun's number of this process; one of them speaks for all.
    first = os.environ.get("RANK", "0") == "0"
    with progress_bar("training", "steps", shown=first) as move:
        at = (0, None)

        def progress(step: int, steps: int, losses: dict[str, float]) -> None:
            nonlocal at
            at = (step, steps)
            move(*at, f"loss {losses['loss']:.4f}")

        def preparing(done: int, items: int) -> None:
            move(*at, f"positives of {done:,} of {items:,} items")

        try:
            folder = train(settings, out, resume=resume, progress=progress, preparing=preparing)
        except KeyboardInterrupt:
            if first:
                note(AGAIN)
            raise
        except TrainingTerminated as error:
            if first:
                say_error(str(error))
                note(AGAIN)
            raise typer.Exit(EXIT_STATUS) from error
    if not first:
        return
    say(f"{folder}: trained as {settings.name}")
    if (folder / BROKEN_FILE).exists():
        note(f"Some recordings could not be used; {folder / BROKEN_FILE} names them.")

"""What the verbs about ambisonics have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._console import note

if TYPE_CHECKING:
    from ...pipelines.ambisonics.source import AmbisonicSound

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Sound or film; several if each holds some of the channels.")
]
GivenConvention = Annotated[
    str | None,
    typer.Option(
        "--convention", "-c", help="ambix, n3d or fuma (W,X,Y,Z first); default: what the file says, else ambix."
    ),
]
StoredOrder = Annotated[
    bool,
    typer.Option("--stored-order", help="Undo how decoders of Vorbis and Opus sort 3 or 5 to 8 channels as speakers."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an output that is there.")]


def opened(files: list[Path], convention: str | None, stored_order: bool) -> "AmbisonicSound":
    """Open the sound, and say what is odd about it."""
    from ...pipelines.ambisonics.source import AmbisonicSound

    sound = AmbisonicSound(files, convention, stored_order)
    for line in sound.notes:
        note(f"{sound.name}: {line}")
    if not convention and not sound.stated:
        note(f"{sound.name}: no convention stated, read as ambix (ACN, SN3D); see --convention.")
    return sound


def note_peak(peak: float) -> None:
    """Say if players will clip what was written."""
    if peak > 1:
        note(f"The peak is {peak:.2f}: players cut what is beyond 1. The file itself holds it.")

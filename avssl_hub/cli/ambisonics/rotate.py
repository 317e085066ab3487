"""``avssl ambisonics rotate``: turn the whole scene, or bring it into another convention."""

from math import radians
from pathlib import Path
from typing import Annotated

import typer

from .._console import progress_bar, say
from ._options import Files, Force, GivenConvention, StoredOrder, note_peak, opened


def run(
    files: Files,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .wav to write, in floats.")],
    yaw: Annotated[float, typer.Option(help="Degrees to the left.")] = 0.0,
    pitch: Annotated[float, typer.Option(help="Degrees by which what is ahead goes up.")] = 0.0,
    roll: Annotated[float, typer.Option(help="Degrees by which what is left goes up.")] = 0.0,
    convention: GivenConvention = None,
    to: Annotated[str | None, typer.Option(help="Convention to write; by default that of the input.")] = None,
    stored_order: StoredOrder = False,
    force: Force = False,
) -> None:
    """Turn an ambisonic scene: by roll, then pitch, then yaw. Without angles it is only converted."""
    from ...pipelines.ambisonics.render import rotate_file

    with opened(files, convention, stored_order) as sound, progress_bar("turning", "seconds") as move:
        peak = rotate_file(sound, out, *map(radians, (yaw, pitch, roll)), to, force, move)
        written = to or sound.convention
    note_peak(peak)
    say(f"{out}: {(sound.order + 1) ** 2} channels, {written}, turned by {yaw:g}°, {pitch:g}°, {roll:g}°")

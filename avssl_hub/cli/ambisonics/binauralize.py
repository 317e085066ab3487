"""``avssl ambisonics binauralize``: what two ears hear in the scene."""

from math import radians
from pathlib import Path
from typing import Annotated

import typer

from .._console import progress_bar, say
from ._options import Files, Force, GivenConvention, StoredOrder, note_peak, opened


def run(
    files: Files,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .wav to write: left and right, in floats.")],
    hrir: Annotated[
        Path | None, typer.Option(help="A head: .sofa, or .wav of Omnitone; by default a rigid sphere.")
    ] = None,
    yaw: Annotated[float, typer.Option(help="Degrees by which the head is turned to the left.")] = 0.0,
    convention: GivenConvention = None,
    stored_order: StoredOrder = False,
    force: Force = False,
) -> None:
    """Render an ambisonic scene for headphones.

    The default head, a rigid sphere, tells left from right only. A measured one, such as MIT KEMAR as SOFA, also tells
    front from back and up from down; reading SOFA needs the extra 'sofa'.
    """
    from ...media.hrir import read_hrir
    from ...pipelines.ambisonics.render import binauralize_file

    head = read_hrir(hrir) if hrir else None
    with opened(files, convention, stored_order) as sound, progress_bar("listening", "seconds") as move:
        peak = binauralize_file(sound, out, head, radians(yaw), force, move)
    note_peak(peak)
    say(f"{out}: heard through {hrir or 'a rigid sphere'}, head turned by {yaw:g}°")

"""``avssl ambisonics map``: how loud it is towards every direction."""

from pathlib import Path
from typing import Annotated

import typer

from .._console import count, progress_bar, say
from ._options import Files, Force, GivenConvention, StoredOrder, opened


def run(
    files: Files,
    out: Annotated[Path, typer.Option("--out", "-o", help="A .png picture, or the numbers as .npz.")],
    every: Annotated[float, typer.Option(help="Seconds from map to map.")] = 0.5,
    resolution: Annotated[float, typer.Option(help="Degrees between directions; divides 180.")] = 5.0,
    method: Annotated[str, typer.Option(help="projection, or the sharper plane_wave.")] = "projection",
    convention: GivenConvention = None,
    stored_order: StoredOrder = False,
    force: Force = False,
) -> None:
    """Map the level towards every direction: in the mean over the whole sound, and over time."""
    from ...outputs import check_suffix
    from ...pipelines.ambisonics.figure import draw_power_maps
    from ...pipelines.ambisonics.maps import map_ambisonics, write_power_maps

    check_suffix(out, [".png", ".npz"], force)
    with opened(files, convention, stored_order) as sound, progress_bar("mapping", "seconds") as move:
        maps = map_ambisonics(sound, every, resolution, method, move)
    if out.suffix == ".png":
        draw_power_maps(maps, out, ", ".join(file.name for file in files))
    else:
        write_power_maps(maps, out)
    rows, columns = maps.mean.shape
    say(f"{out}: {count(len(maps.maps), 'map')} of {rows} × {columns} directions, {maps.seconds:g} s apart")

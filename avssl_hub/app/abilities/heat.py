"""Where in the picture does the sound come from?"""

from functools import partial
from pathlib import Path

from ...pipelines.in_words import window_remarks
from ...pipelines.localize import LocalizationPipeline
from ...pipelines.overlay import write_maps, write_overlay, write_still
from .ability import Ability, Output, Shown, Tick


def _load(model: str, device: str) -> LocalizationPipeline:
    return LocalizationPipeline(model, device=device)


def _show(pipe: LocalizationPipeline, film: Path, folder: Path, tick: Tick) -> Shown:
    result = pipe(film, progress=partial(tick, what="windows looked at"))
    heat, still, maps = folder / "heat.mp4", folder / "heat.png", folder / "maps.npz"
    write_still(result, film, still)
    write_maps(result, maps)
    write_overlay(result, film, heat, progress=partial(tick, what="seconds drawn"))
    height, width = result.maps.shape[1:]
    line = f"{len(result)} maps of {height} × {width} places, {result.seconds_per_map:.2f} s apart."
    return Shown((line, *window_remarks(result)), (heat, still, maps))


HEAT = Ability(
    name="heat",
    title="Where it sounds",
    about="The network was never told where sound comes from: it learned to tell sound in time with the picture from "
    "sound that is not. It is hot where that answer is strong.",
    button="Draw the heat",
    task="sound-localization",
    rows=(
        (Output("video", "The film with heat"), Output("image", "Mean over the film")),
        (Output("file", "All maps"),),
    ),
    load=_load,
    show=_show,
)

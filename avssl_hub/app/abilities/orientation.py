"""Does the sound of a 360° film come from where the picture has its sources?"""

from functools import partial
from pathlib import Path

from ...pipelines.in_words import orientation_lines, orientation_remarks
from ...pipelines.orient import OrientationPipeline
from ...pipelines.orientation_figure import draw_orientation
from .ability import Ability, Output, Shown, Tick


def _load(model: str, device: str) -> OrientationPipeline:
    return OrientationPipeline(model, device=device)


def _show(pipe: OrientationPipeline, film: Path, folder: Path, tick: Tick) -> Shown:
    result = pipe(film, progress=partial(tick, what="windows compared"))
    picture = folder / "orientation.png"
    draw_orientation(result, picture, film.name)
    return Shown((*orientation_lines(result), *orientation_remarks(result)), (picture,))


ORIENTATION = Ability(
    name="orientation",
    title="Is the sound turned?",
    about="For 360° films with spatial sound. The sound is turned around the listener in steps, and the model says at "
    "which angle it fits the picture best. It hardly tells ahead from behind.",
    button="Find the angle",
    task="audio-visual-spatial-alignment",
    rows=((Output("image", "How well the sound fits, by the angle it is turned by"),),),
    load=_load,
    show=_show,
)

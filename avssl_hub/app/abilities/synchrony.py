"""Is the sound in time with the picture?"""

from functools import partial
from pathlib import Path

from ...pipelines.in_words import synchrony_lines, window_remarks
from ...pipelines.synchronize import SynchronizationPipeline
from ...pipelines.synchrony_figure import draw_synchrony
from .ability import Ability, Output, Shown, Tick


def _load(model: str, device: str) -> SynchronizationPipeline:
    return SynchronizationPipeline(model, device=device)


def _show(pipe: SynchronizationPipeline, film: Path, folder: Path, tick: Tick) -> Shown:
    result = pipe(film, progress=partial(tick, what="windows compared"))
    picture = folder / "synchrony.png"
    draw_synchrony(result, picture, film.name)
    return Shown((*synchrony_lines(result), *window_remarks(result)), (picture,))


SYNCHRONY = Ability(
    name="synchrony",
    title="Synchrony",
    about="A score above 0 means that sound and picture are in time. Below, the sound is shifted against the picture: "
    "the highest point says which shift fits best. Shifts much finer than it was trained on are hints.",
    button="Judge the synchrony",
    task="audio-visual-synchronization",
    rows=((Output("image", "Score over time, and over shifts of the sound"),),),
    load=_load,
    show=_show,
)

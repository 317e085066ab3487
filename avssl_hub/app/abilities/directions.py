"""Mono sound of a 360° film given its directions, to see and to hear."""

from functools import partial
from pathlib import Path

from ...errors import AvsslError
from ...media import read_spatial_metadata
from ...pipelines.ambisonics.render import binauralize_file
from ...pipelines.ambisonics.source import AmbisonicSound
from ...pipelines.spatialize import SpatializationPipeline
from ...pipelines.spatialize_file import SpatialFiles, spatialize_file
from .ability import Ability, Output, Shown, Tick


def _load(model: str, device: str) -> SpatializationPipeline:
    return SpatializationPipeline(model, device=device)


def _show(pipe: SpatializationPipeline, film: Path, folder: Path, tick: Tick) -> Shown:
    heat, binaural, spatial = folder / "heat.mp4", folder / "two_ears.wav", folder / "spatial.mp4"

    def told(done: int, total: int, stage: str) -> None:
        tick(done, total, {"hearing": "seconds heard", "drawing": "seconds drawn"}[stage])

    report = spatialize_file(pipe, film, SpatialFiles(film=spatial, binaural=binaural, heat=heat), progress=told)
    lines = (f"{report.seconds:.2f} s of spatial sound.", *report.notes)
    own = folder / "two_ears_own.wav" if read_spatial_metadata(film).audio else None
    if own:
        try:
            with AmbisonicSound(film) as sound:
                binauralize_file(sound, own, progress=partial(tick, what="seconds of the film's own sound"))
        except AvsslError as error:
            own, lines = None, (*lines, f"Its own sound is left out: {error}")
    return Shown(lines, (heat, binaural, own, spatial))


DIRECTIONS = Ability(
    name="directions",
    title="Sound in 360°",
    about="The model hears the film in mono and sees where things are; it is bright where it puts the loudest sound. "
    "Listen with headphones: a plain round head stands in for yours, which tells left from right. If the film brought "
    "spatial sound itself, that is there to compare.",
    button="Give the sound its directions",
    task="mono-to-ambisonics",
    rows=(
        (Output("video", "The film with its loudest directions"),),
        (Output("audio", "For two ears"), Output("audio", "The film's own sound, for two ears")),
        (Output("file", "For players of 360° films"),),
    ),
    load=_load,
    show=_show,
)

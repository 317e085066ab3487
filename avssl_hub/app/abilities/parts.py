"""The sound of a film in two parts: on and off the screen, or two voices."""

from functools import partial
from pathlib import Path

from ...pipelines.separate import BLIND, ON_OFF, SeparationPipeline
from ...pipelines.separate_file import PICTURE, SeparationReport, separate_file
from .ability import Ability, Output, Shown, Tick


def _load(model: str, device: str) -> SeparationPipeline:
    return SeparationPipeline(model, device=device)


def _show_screen(pipe: SeparationPipeline, film: Path, folder: Path, tick: Tick) -> Shown:
    report = _separate(pipe, film, folder, tick)
    films, sounds = ([folder / f"{name}.{suffix}" for name in ON_OFF] for suffix in ("mp4", "wav"))
    return Shown(_lines(report), (*films, folder / PICTURE, *sounds))


def _show_blind(pipe: SeparationPipeline, film: Path, folder: Path, tick: Tick) -> Shown:
    report = _separate(pipe, film, folder, tick)
    return Shown(_lines(report), (*(folder / f"{name}.wav" for name in BLIND), folder / PICTURE))


def _separate(pipe: SeparationPipeline, film: Path, folder: Path, tick: Tick) -> SeparationReport:
    return separate_file(pipe, film, folder, progress=partial(tick, what="windows parted"))


def _lines(report: SeparationReport) -> tuple[str, ...]:
    clipped = (f"{report.clipped} samples beyond full scale cut at it.",) if report.clipped else ()
    return (f"{report.seconds:.2f} s of sound parted.", *report.notes, *clipped)


SCREEN = Ability(
    name="screen",
    title="On and off the screen",
    about="Two films come out: one with the sound of what is seen, one with the rest of the sound.",
    button="Part the sound",
    task="audio-visual-separation",
    rows=(
        (Output("video", "On the screen"), Output("video", "Off the screen")),
        (Output("image", "Spectrograms"),),
        (Output("file", "Sound on the screen"), Output("file", "Sound off the screen")),
    ),
    load=_load,
    show=_show_screen,
)

VOICES = Ability(
    name="voices",
    title="Two voices",
    about="The model hears only: it parts two sounds and cannot tell which of them is seen.",
    button="Part the sound",
    task="audio-source-separation",
    rows=((Output("audio", "Track 1"), Output("audio", "Track 2")), (Output("image", "Spectrograms"),)),
    load=_load,
    show=_show_blind,
)

"""``avssl separate``: the sound of what is on the screen, and the rest."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import count, note, progress_bar, say
from ._devices import Device, chosen_device


def run(
    file: Annotated[Path, typer.Argument(help="A film; for a blind model any file with sound.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Name, folder or Hub id; unet_pit… are blind.")
    ] = "multisensory_separation_tiny.avworld",
    mask: Annotated[
        str | None, typer.Option(help="left or right: hide this half of the picture, to hear what is on the other.")
    ] = None,
    windows: Annotated[
        str, typer.Option(help="cross_fade, or released: as the authors' tool, with its loudness and lost end.")
    ] = "cross_fade",
    duration_multiple: Annotated[
        int | None, typer.Option(help="Windows of so many times 2.1 s, in place of the model's own.")
    ] = None,
    device: Device = None,
    batch_size: Annotated[int, typer.Option(help="Windows a forward pass.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Write to a folder that holds files already.")] = False,
) -> None:
    """Split a film's sound into what belongs to the picture and what does not.

    Writes on_screen and off_screen as wav (mono, 16 bit) and as mp4 with the film's picture, mixture.wav, which was
    separated, and spectrogram.png. A blind model needs no picture; its tracks are called track_1 and track_2, for it
    cannot tell which is on the screen.

    A run that is interrupted leaves nothing.
    """
    from ..pipelines.separate import SeparationPipeline
    from ..pipelines.separate_file import separate_file

    pipe = SeparationPipeline(
        model,
        device=chosen_device(device),
        batch_size=batch_size,
        windows=windows,
        duration_multiple=duration_multiple,
    )
    with progress_bar("separating", "windows") as move:
        report = separate_file(pipe, file, out, mask=mask, force=force, progress=move)
    for line in report.notes:
        note(line)
    if report.clipped:
        note(f"{count(report.clipped, 'sample')} beyond full scale cut at it.")
    say(f"{report.out}: {report.seconds:.2f} s of sound in {', '.join(report.files)}")

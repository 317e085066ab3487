"""``avssl spatialize``: give a 360° film with mono sound its spatial sound back."""

from math import radians
from pathlib import Path
from typing import Annotated

import typer

from ._console import note, progress_bar, say
from ._devices import Device, chosen_device
from ._sphere_options import Projection, Stereo


def run(
    file: Annotated[Path, typer.Argument(help="A 360° film with sound.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The film with ambisonic sound, an .mp4.")] = None,
    wav: Annotated[Path | None, typer.Option(help="The ambisonics alone: W, Y, Z, X, a .wav.")] = None,
    binaural: Annotated[Path | None, typer.Option(help="A preview for two ears, a .wav.")] = None,
    heat: Annotated[Path | None, typer.Option(help="The film with its loudest directions over it, an .mp4.")] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Name, folder or Hub id of the model.")
    ] = "spatial_audio_gen_tiny.avworld",
    yaw: Annotated[float, typer.Option(help="Degrees that the preview's head looks to the left.")] = 0.0,
    hrir: Annotated[
        Path | None, typer.Option(help="The preview's head: .sofa, or .wav of Omnitone; by default a rigid sphere.")
    ] = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="FLAC in the film, in place of AAC.")] = False,
    projection: Projection = None,
    stereo: Stereo = None,
    windows: Annotated[
        str, typer.Option(help="cross_fade, or released: chunks side by side, as the authors' tool.")
    ] = "cross_fade",
    batch_size: Annotated[int, typer.Option(help="Chunks a forward pass, normalised together; the authors': 10.")] = 10,
    running_stats: Annotated[
        bool, typer.Option("--running-stats", help="Normalise by what training noted; chunks are then independent.")
    ] = False,
    device: Device = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that are there.")] = False,
) -> None:
    """Turn the sound of a 360° film into first-order ambisonics (ACN, SN3D).

    Films of any length; the picture is copied as it is where mp4 can hold it, and the metadata that 360° players go
    by is written beside it. Of stereo sound the mean is heard, of ambisonic sound W. A film that does not say it is
    of 360 degrees has to be twice as wide as high, or --projection equirectangular.

    spatial_audio_gen.yt_all is one of the authors' networks; the tiny model of AVWorld knows that toy world only, and
    hears at 12 kHz. What comes out has the model's rate. A run that is interrupted leaves nothing.
    """
    from ..media.hrir import read_hrir
    from ..pipelines.spatialize import SpatializationPipeline
    from ..pipelines.spatialize_file import SpatialFiles, spatialize_file

    head = read_hrir(hrir) if hrir else None
    pipe = SpatializationPipeline(
        model,
        device=chosen_device(device),
        batch_size=batch_size,
        windows=windows,
        use_running_stats=True if running_stats else None,
    )
    with progress_bar("spatialising", "seconds") as move:
        report = spatialize_file(
            pipe,
            file,
            SpatialFiles(out, wav, binaural, heat),
            projection=projection,
            stereo=stereo,
            lossless=lossless,
            head=head,
            yaw=radians(yaw),
            force=force,
            progress=move,
        )
    for line in report.notes:
        note(f"{line}.")
    written, rate = ", ".join(map(str, report.files)), pipe.processor.sampling_rate
    say(f"{written}: {report.seconds:.2f} s of ambisonic sound at {rate} Hz")

"""``avssl segment360``: what is where around the camera of a 360° film?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._console import count, note, progress_bar, say, show, table
from ._devices import Device, chosen_device
from ._numbers import channel_numbers
from ._sphere_options import Channels, Projection, Stereo

if TYPE_CHECKING:
    from ..pipelines.segment import Segmentation

# Classes that the summary names.
_MOST = 10


def run(
    file: Annotated[Path, typer.Argument(help="A 360° film.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Name, folder or Hub id of a model that segments.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The film with classes over it, an .mp4.")] = None,
    shares: Annotated[Path | None, typer.Option("--csv", help="Share of each class, a row a second, a .csv.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the shares of each second as JSON.")] = False,
    every: Annotated[
        float | None, typer.Option(help="Seconds from clip to clip; by default they touch. Fewer take less time.")
    ] = None,
    projection: Projection = None,
    stereo: Stereo = None,
    channels: Channels = None,
    device: Device = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that are there.")] = False,
) -> None:
    """Give every direction of a 360° film a class, and say how much of the sphere each one covers.

    Views of some seventy degrees that cover the sphere are segmented in clips of half a second, films of any length
    in memory that does not grow with them. A film that does not say it is of 360 degrees has to be twice as wide as
    high, or --projection equirectangular. A model that hears takes ambisonics, in the film or in an .m4a beside it.

    Models are trained with avssl train avsa/segmentation_video and its like. One of AVWorld, which avssl train
    avsa/tiny_segmentation makes, knows that toy world only. An overlay keeps sound and spatial metadata.
    """
    from ..pipelines._sphere_source import VideoLayout
    from ..pipelines.segment import SegmentationPipeline
    from ..pipelines.segment_file import segment_file

    segment = SegmentationPipeline(model, device=chosen_device(device))
    with progress_bar("segmenting", "clips") as move:
        found = segment_file(
            segment,
            file,
            out,
            shares,
            every=every,
            layout=VideoLayout(projection, stereo),
            channels=channel_numbers(channels),
            force=force,
            progress=move,
        )
    for line in found.notes:
        note(f"{line}.")
    if as_json:
        say(json.dumps(_as_json(found, model), indent=2))
    else:
        _report(found)
    for path in filter(None, (out, shares)):
        (note if as_json else say)(f"Look at {path}")


def _report(found: "Segmentation") -> None:
    mean = found.shares.mean(0)
    say(f"{found.file}: {count(len(found.times), 'clip')}, {found.every:.2f} s apart")
    rows = table("class", "share of the sphere")
    for index in mean.argsort(descending=True)[:_MOST].tolist():
        if mean[index] > 0:
            rows.add_row(found.classes[index], f"{mean[index]:.1%}")
    show(rows)


def _as_json(found: "Segmentation", model: str) -> dict[str, Any]:
    seconds, shares = found.per_second()
    return {
        "file": found.file,
        "model": model,
        "every": found.every,
        "shares": dict(zip(found.classes, found.shares.mean(0).tolist())),
        "seconds": [
            {"second": second, "shares": dict(zip(found.classes, row))} for second, row in zip(seconds, shares.tolist())
        ],
        "notes": list(found.notes),
    }

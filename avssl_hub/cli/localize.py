"""``avssl localize``: where in the picture does the sound come from?"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..pipelines.in_words import window_remarks
from ._console import count, note, progress_bar, say
from ._devices import Device, chosen_device

if TYPE_CHECKING:
    from ..pipelines.localize import Localization


def run(
    file: Annotated[Path, typer.Argument(help="A film with sound.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The film with heat over it, an .mp4.")] = None,
    still: Annotated[Path | None, typer.Option(help="One frame with the film's mean heat, a .png.")] = None,
    raw: Annotated[Path | None, typer.Option("--map", help="The raw maps with their times, an .npz.")] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Name, folder or Hub id of the model.")
    ] = "multisensory_tiny.avworld",
    every: Annotated[
        float | None, typer.Option(help="Seconds from window to window; by default they touch. Overlaps are averaged.")
    ] = None,
    released: Annotated[
        bool, typer.Option("--released", help="Only the film's first clip, as the authors' demonstration.")
    ] = False,
    device: Device = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that are there.")] = False,
) -> None:
    """Show where in the picture the sound comes from.

    The network looks at windows of some seconds; any film will do, in memory that does not grow with it. Colours run
    from half the 97th percentile of all heat upwards, as in the paper's demonstration. The sound is the film's own.

    multisensory_localization.audioset is the authors' network; the tiny model of AVWorld knows that toy world only.
    """
    from ..errors import InvalidValueError, explain
    from ..outputs import check_apart, check_suffix
    from ..pipelines.localize import LocalizationPipeline
    from ..pipelines.overlay import write_maps, write_overlay, write_still

    wanted = {path: suffix for path, suffix in ((out, ".mp4"), (still, ".png"), (raw, ".npz")) if path}
    if not wanted:
        raise InvalidValueError(explain("outputs", "none", "one or more of -o, --still and --map"))
    for path, suffix in wanted.items():
        check_suffix(path, [suffix], force)
    if out:
        check_apart(out, file)
    localize = LocalizationPipeline(model, device=chosen_device(device))
    with progress_bar("looking", "windows") as move:
        result = localize(file, every=every, released=released, progress=move)
    if raw:
        write_maps(result, raw)
    if still:
        write_still(result, file, still)
    if out:
        with progress_bar("drawing", "seconds") as move:
            write_overlay(result, file, out, overwrite=force, progress=move)
    _report(result, wanted)


def _report(result: "Localization", written: Iterable[Path]) -> None:
    height, width = result.maps.shape[1:]
    maps = f"{count(len(result), 'map')} of {height} × {width} places"
    say(f"{', '.join(map(str, written))}: {maps}, {result.seconds_per_map:.2f} s apart")
    for line in window_remarks(result):
        note(line)

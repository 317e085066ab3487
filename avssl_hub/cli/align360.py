"""``avssl align360``: does the sound of a 360° film come from where the picture has its sources?"""

import json
from math import degrees, radians
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..pipelines.in_words import orientation_lines, orientation_remarks
from ._console import note, progress_bar, say
from ._devices import Device, chosen_device
from ._numbers import channel_numbers
from ._sphere_options import Channels, Projection, Stereo

if TYPE_CHECKING:
    from ..pipelines.orientation import Orientation


def run(
    file: Annotated[Path, typer.Argument(help="A 360° film with ambisonic sound, in it or as .m4a beside it.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Polar plot to write, a .png.")] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Name, folder or Hub id of the model.")
    ] = "avsa_tiny.avworld",
    step: Annotated[float, typer.Option(help="Degrees from one angle to the next.")] = 15.0,
    every: Annotated[float | None, typer.Option(help="Seconds from window to window; by default one's length.")] = None,
    fixed: Annotated[
        Path | None, typer.Option(help="The film to write with its sound turned by the best angle, an .mp4.")
    ] = None,
    yaw: Annotated[
        float | None, typer.Option(help="Degrees to turn the sound of --fixed by, to the left; nothing is scored then.")
    ] = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="FLAC in that film, in place of AAC.")] = False,
    projection: Projection = None,
    stereo: Stereo = None,
    channels: Channels = None,
    stored_order: Annotated[
        bool,
        typer.Option("--stored-order", help="Undo how decoders of Vorbis and Opus sort 5 to 8 channels as speakers."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all scores as JSON.")] = False,
    device: Device = None,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that are there.")] = False,
) -> None:
    """Tell whether the sound of a 360° film is turned against its picture, and by which angle it has to be turned back.

    Angles are counter-clockwise as seen from above: +90 turns the sound to the left. The network hears how loud
    channels are and not their sign, so that for sources near the horizon it can take behind for ahead.

    --fixed copies the picture as it is and keeps what players of 360° films go by; subtitles and data are left out.
    avsa.yt360 is the authors' network; the tiny model of AVWorld knows that toy world only. The smaller --every is, the
    longer it takes, and the surer it is.
    """
    from ..errors import InvalidValueError, explain
    from ..outputs import check_suffix
    from ..pipelines._sphere_source import VideoLayout
    from ..pipelines.turn_film import check_turned

    if yaw is not None and (fixed is None or out or as_json):
        got = "without --fixed" if fixed is None else "with -o or --json"
        raise InvalidValueError(explain("--yaw", got, "--fixed beside it, and nothing that needs scores"))
    if out:
        check_suffix(out, [".png"], force)
    if fixed:
        check_turned(file, fixed, force)
    told = {"layout": VideoLayout(projection, stereo), "channels": channel_numbers(channels)}
    told["stored_order"] = stored_order
    tell = note if as_json else say
    if yaw is None:
        result = _scored(file, model, step, every, device, told)
        say(json.dumps(_as_json(result, model), indent=2)) if as_json else _report(result)
        for line in orientation_remarks(result):
            note(line)
        if out:
            _draw(result, out, f"{model} on {file.name}")
            tell(f"Look at {out}")
        yaw = degrees(result.best_yaw)
    if fixed and yaw:
        _fix(file, fixed, yaw, lossless, force, told)
        tell(f"{fixed}: the film with its sound turned by {yaw:+g}°")
    elif fixed:
        tell(f"Nothing has to be corrected: {fixed} is not written.")


def _scored(
    file: Path, model: str, step: float, every: float | None, device: str | None, told: dict[str, Any]
) -> "Orientation":
    from ..pipelines.orient import OrientationPipeline

    orient = OrientationPipeline(model, device=chosen_device(device))
    with progress_bar("comparing", "windows") as move:
        return orient(file, step=radians(step), every=every, progress=move, **told)


def _report(result: "Orientation") -> None:
    verdict, *rest = orientation_lines(result)
    say(f"{result.file}: {verdict}")
    for line in rest:
        say(line)


def _as_json(result: "Orientation", model: str) -> dict[str, Any]:
    angles = result.yaws.rad2deg().round(decimals=6).tolist()
    by_yaw = zip(angles, result.scores.tolist(), result.spread.tolist())
    rows = zip(result.start.tolist(), result.end.tolist(), result.window_scores, result.reason)
    return {
        "file": result.file,
        "model": model,
        "aligned": result.aligned,
        "sure": result.sure,
        "best_yaw": round(degrees(result.best_yaw), 6),
        "score": result.score,
        "best_score": result.scores.max().item(),
        "margin": result.margin if result.margin == result.margin else None,
        "agreeing": result.agreeing,
        "agreeing_by_chance": result.agreeing_by_chance,
        "yaws": [{"yaw": yaw, "score": score, "spread": spread} for yaw, score, spread in by_yaw],
        "windows": [
            {"start": start, "end": end, "scores": None if reason else scores.tolist(), "reason": reason}
            for start, end, scores, reason in rows
        ],
    }


def _draw(result: "Orientation", out: Path, subtitle: str) -> None:
    from ..pipelines.orientation_figure import draw_orientation

    draw_orientation(result, out, subtitle)


def _fix(file: Path, fixed: Path, yaw: float, lossless: bool, force: bool, told: dict[str, Any]) -> None:
    from ..pipelines._sphere_film import find_film
    from ..pipelines.turn_film import turn_film

    with progress_bar("turning", "seconds") as move:
        report = turn_film(find_film(file, **told), fixed, radians(yaw), lossless=lossless, force=force, progress=move)
    for line in report.notes:
        note(f"{line}.")

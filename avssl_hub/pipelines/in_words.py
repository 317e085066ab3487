"""Results as sentences, the same on the command line and on the web page."""

from collections.abc import Iterator
from math import degrees
from typing import TYPE_CHECKING

from ._remarks import Remarks

if TYPE_CHECKING:
    from .localize import Localization
    from .orientation import Orientation
    from .synchronize import Synchrony


def synchrony_lines(result: "Synchrony") -> Iterator[str]:
    """Say whether a film is in synchrony, how many of its windows are, and which shift of the sound fits best."""
    verdict = "in synchrony" if result.aligned else "not in synchrony"
    scored = result.logits[~result.logits.isnan()]
    yield f"{verdict}, score {result.score:+.2f} (above 0 is in synchrony)"
    yield f"{int((scored > 0).sum())} of {len(scored)} window{'' if len(scored) == 1 else 's'} in synchrony"
    if len(result.offsets) > 1:
        best = result.best_offset
        late = "the sound comes late" if best > 0 else "the sound comes early" if best < 0 else "as it is"
        score = result.scores.nan_to_num(-float("inf")).max()
        yield f"best offset {best:+g} s, {late}; score there {score:+.2f}"


def window_remarks(result: "Synchrony | Localization") -> Iterator[str]:
    """Remark on windows that were padded, and on those in which something is missing or odd."""
    for start, padded, reason in zip(result.start.tolist(), result.padded.tolist(), result.reason):
        remarks = ["the picture ends in it: padded with the last frame and silence"] if padded else []
        if reason:
            remarks.append(reason)
        if remarks:
            yield f"Window from {start:.2f} s: {'; '.join(remarks)}."


def orientation_lines(result: "Orientation") -> Iterator[str]:
    """Say whether the sound of a 360° film is turned against its picture, and how sure that is."""
    from .orientation import NEAR

    best, compared = degrees(result.best_yaw), len(result.compared)
    turn = f"turned by {abs(best):g}° to the {'left' if best > 0 else 'right'}"
    if not result.sure:
        yield "cannot be told, since the windows hardly agree"
    elif result.aligned:
        yield "the sound fits the picture as it is"
    elif abs(result.best_yaw) <= NEAR:
        yield f"the sound fits the picture nearly as it is, best {turn}"
    else:
        yield f"the sound is turned; it fits when it is {turn}"
    signed = f"{best:+g}°" if best else "0°"
    yield f"best yaw {signed}: score {result.scores.max():+.3f}, as it is {result.score:+.3f}"
    if result.margin == result.margin:
        yield f"better by {result.margin:.3f} than any angle more than 30° away"
    windows = f"{compared} window{'' if compared == 1 else 's'}"
    chance = result.agreeing_by_chance
    yield f"{result.agreeing} of {windows} by themselves find it within 30°, {chance:.1f} would by chance"


def orientation_remarks(result: "Orientation") -> Iterator[str]:
    """Tell what was taken for granted of a film, and which windows were not compared, and why."""
    for line in result.notes:
        yield f"{line}."
    remarks = Remarks()
    for start, end, reason in zip(result.start.tolist(), result.end.tolist(), result.reason):
        if reason:
            remarks.tell(reason, start, end)
    for line in remarks.lines:
        yield f"Not compared: {line}."

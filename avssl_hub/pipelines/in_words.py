"""Results as sentences, the same on the command line and on the web page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .localize import Localization
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

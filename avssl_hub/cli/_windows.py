"""What is said of windows of a film that are not as they should be."""

from typing import TYPE_CHECKING

from ._console import note

if TYPE_CHECKING:
    from ..pipelines.localize import Localization
    from ..pipelines.synchronize import Synchrony


def note_windows(result: "Synchrony | Localization") -> None:
    """Remark on windows that were padded, and on those in which something is missing or odd."""
    for start, padded, reason in zip(result.start.tolist(), result.padded.tolist(), result.reason):
        remarks = ["the picture ends in it: padded with the last frame and silence"] if padded else []
        if reason:
            remarks.append(reason)
        if remarks:
            note(f"Window from {start:.2f} s: {'; '.join(remarks)}.")

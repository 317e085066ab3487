"""What ``avssl data check --task`` says of a copy before its files are opened."""

from pathlib import Path
from typing import TYPE_CHECKING

from .._companions import companion
from .._console import count, note, say, say_error, show, table

if TYPE_CHECKING:
    from ...data.manifest import Manifest


def check_against(task: str, source: Path, listing: Path | None) -> "tuple[Manifest | None, bool]":
    """Tell how a copy differs from what its task says; gives the recordings that are here, and whether it is whole."""
    from ...errors import some_of

    report = companion("benchmarks._check").check_copy(task, source, listing)
    found = report.found
    if found.missing:
        say_error(f"{len(found.missing)} of {count(found.listed, 'recording')} missing: {some_of(found.missing)}")
    if found.extra:
        note(f"{count(len(found.extra), 'recording')} not in the list: {some_of(found.extra)}")
    if report.advice:
        note(report.advice)
    if found.repeated:
        note(f"{count(found.repeated, 'row')} of the list repeated others, and count once.")
    if report.unlabelled:
        say_error(f"{count(report.unlabelled, 'recording')} without a label")
    rows = table(report.title, "here", "whole")
    for what, here, official in report.counts:
        rows.add_row(what, str(here), "" if official is None else str(official))
    show(rows)
    say(f"{report.title}: {'whole' if report.whole else 'not whole'}")
    return found.manifest, report.whole

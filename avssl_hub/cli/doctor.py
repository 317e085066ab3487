"""``avssl doctor``: is everything here that the package needs, and what to do if not."""

import typer
from rich.text import Text

from ._console import say, show, table

_STYLE = {"ok": "green", "note": "yellow", "repair": "bold red"}


def run() -> None:
    """Check packages, decoder, codecs, device, cache and weights; exit status 1 if something needs repair."""
    from ._checks import all_findings

    rows = table("", "what", "found")
    repairs = []
    for finding in all_findings():
        rows.add_row(Text(finding.state, _STYLE[finding.state]), finding.what, finding.found)
        if finding.repair:
            repairs.append(f"{finding.what}: {finding.repair}")
    show(rows)
    for line in repairs:
        say(line)
    if repairs:
        raise typer.Exit(1)

"""``avssl reproduce``: a published claim tried in miniature."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import note, progress_bar, say, show, table
from ._devices import core_count

_LEAST_SEEDS = 3


def run(
    claim: Annotated[
        str,
        typer.Argument(
            help="avid, avid_cma, robust_xid, multisensory, multisensory_separation, spatial_audio_gen or avsa."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write; finished runs in it are kept.")],
    seeds: Annotated[int, typer.Option(min=_LEAST_SEEDS, help="Seeds of each way of training.")] = _LEAST_SEEDS,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of a whole run, if not the claim's own.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time; two if there are the cores.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of every run to change.")
    ] = None,
) -> None:
    """Try a published claim in miniature on AVWorld, and write a table, a figure and every number."""
    from ..evaluation.claims import draw_claim, execute, find_claim, plan, summarize, write_report
    from ..outputs import make_folder

    chosen = find_claim(claim)
    runs = plan(chosen, out, range(seeds), steps, overrides or ())
    make_folder(out)
    try:
        with progress_bar(f"reproducing {claim}", "steps") as move:
            execute(runs, jobs or min(2, core_count()), move)
    except KeyboardInterrupt:
        note(f"Runs are in {out}; give the same command again to go on.")
        raise
    summary = summarize(chosen, runs)
    files = *write_report(summary, out), out / "figure.png"
    draw_claim(summary, files[-1])
    rows = table("statement", "score", "gain", "outcome")
    for comparison in summary["comparisons"]:
        gain = f"{comparison['mean']:+.1f} ± {comparison['spread']:.1f}"
        outcome = "shown" if comparison["shown"] else "not shown"
        rows.add_row(comparison["statement"], comparison["score"], gain, outcome)
    show(rows)
    say(summary["rule"])
    say(f"Look at {', '.join(map(str, files))}")

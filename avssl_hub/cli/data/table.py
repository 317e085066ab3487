"""``avssl data table``: any table of labels, as a list to train on or to score from."""

from pathlib import Path
from typing import Annotated

import typer

from .._console import count, note, say


def run(
    source: Annotated[Path, typer.Argument(help="Table of labels: .csv, .tsv, .parquet, or hf://owner/name.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Manifest to write: .csv, .tsv or .parquet.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder that the table's paths start from; its own by default.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMN",
            help="Column to keep and what to call it, such as path=filename, label=category or, of two put together, "
            "group=category,take. Without any, all are kept as they are.",
        ),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Add so many folds, with a share of each label, no group in two of them.")
    ] = None,
    allow_missing: Annotated[bool, typer.Option("--allow-missing", help="Leave out files that are not here.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.")] = False,
) -> None:
    """Make a manifest of a table of labels, under the column names that manifests know."""
    from ...data.folds import deal_folds
    from ...data.labelled import column_choices, present, read_labelled
    from ...data.manifest import ManifestError, check_suffix
    from ...errors import explain, some_of
    from ...outputs import check_new

    check_suffix(out)
    check_new(out, force)
    listed = read_labelled(source, column_choices(column or ()), root)
    manifest, missing = present(listed)
    if missing and (manifest is None or not allow_missing):
        step = "Pass the folder that the paths start from as --root, or leave files out with --allow-missing."
        what, got = f"files of {source}", f"{len(missing)} of {len(listed)} missing ({some_of(missing)})"
        raise ManifestError(explain(what, got, "all that it lists", step))
    if missing:
        note(f"{len(missing)} of {count(len(listed), 'listed file')} not here, and left out.")
    if folds:
        manifest = deal_folds(manifest, folds)
    manifest.write(out)
    say(f"{out}: {count(len(manifest), 'row')}" + (f" in {folds} folds" if folds else ""))

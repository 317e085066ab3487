"""``avssl bench``: the benchmarks, with the commands of ``python -m benchmarks``."""

import typer

from ._companions import companion

SETTINGS = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def run(context: typer.Context) -> None:
    """Score models: ls, run, validate and others; avssl bench --help lists them."""
    raise typer.Exit(companion("benchmarks.__main__").main(context.args, "avssl bench"))

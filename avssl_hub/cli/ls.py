"""``avssl ls``: the catalogue as a table."""

from typing import Annotated

import typer

from ._console import show, table


def run(
    filter: Annotated[str | None, typer.Argument(help="Part of a name, or a glob such as 'avid*.kinetics'.")] = None,
    family: Annotated[str | None, typer.Option(help="Only this family, such as avid.")] = None,
    task: Annotated[str | None, typer.Option(help="Only models for this task.")] = None,
) -> None:
    """List the models."""
    from .. import zoo
    from .._weights import weights_here, weights_origin

    rows = table("name", "family", "pretrained on", "parameters", "weights")
    for name in zoo.list_models(filter, family=family, task=task):
        card = zoo.card(name)
        where = "here" if weights_here(card) else weights_origin(card)
        rows.add_row(name, card.family, card.training_data, f"{card.parameters / 1e6:.1f} M", where)
    show(rows)

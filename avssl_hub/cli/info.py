"""``avssl info``: all that is known of one model."""

import re
from typing import Annotated

import typer

from ._console import say, show


def run(name: Annotated[str, typer.Argument(help="Name of a model; avssl ls lists them.")]) -> None:
    """Show a model's card, and where its weights are or come from."""
    from rich.markdown import Markdown

    from .. import zoo
    from .._cards import split_card
    from .._weights import how_to_get, weights_here

    card = zoo.card(name)
    _, body = split_card(card.path)
    show(Markdown(re.sub(r"<!--.*?-->\n?", "", body)))
    here = weights_here(card)
    say(f"Weights: here, in {here}" if here else f"Weights: not on this machine; {how_to_get(card)}")

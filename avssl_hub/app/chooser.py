"""The models to choose from, and what is said of them."""

import re
from dataclasses import dataclass

from .. import zoo
from .._cards import ModelCard, split_card
from .._weights import how_to_get, weights_here, weights_origin
from .abilities import ABILITIES, Ability

_LIMITS = re.compile(r"^## Limits\n+(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_LOCAL_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")


@dataclass(frozen=True)
class Choice:
    """A checkpoint of the catalogue.

    Attributes:
        name: Its name.
        label: The name, and where its weights are.
        usable: Whether it can run: weights are here or come by themselves.
        abilities: What it can show.
    """

    name: str
    label: str
    usable: bool
    abilities: tuple[Ability, ...]


def choices() -> list[Choice]:
    """Look through the catalogue; those whose weights are here come first."""
    found = []
    for name in zoo.list_models():
        card = zoo.card(name)
        here = weights_here(card) is not None
        where = "here" if here else weights_origin(card)
        abilities = tuple(ability for ability in ABILITIES if ability.of(card))
        found.append((not here, Choice(name, f"{name} ({where})", here or bool(card.hub.revision), abilities)))
    return [choice for _, choice in sorted(found, key=lambda item: item[0])]


def describe(choice: Choice) -> str:
    """Say in Markdown what a model is, under which licence, and what has to be done before it can be used."""
    card = zoo.card(choice.name)
    parts = [card.summary, _facts(card)]
    if not choice.usable:
        parts.append(f"**The weights are not on this machine:** {how_to_get(card)}.")
    if not choice.abilities:
        parts.append(f"**Not for this page**, which shows nothing of what it does: see `avssl info {card.name}`.")
    return "\n\n".join(parts)


def limits_of(choice: Choice) -> str:
    """Return in Markdown what the model's card says under "Limits"."""
    _, body = split_card(zoo.card(choice.name).path)
    found = _LIMITS.search(body)
    return _LOCAL_LINK.sub(r"\1", found[1].strip()) if found else "Its card does not say."


def _facts(card: ModelCard) -> str:
    paper = card.paper
    facts = {
        "Paper": f"[{paper.title}](https://arxiv.org/abs/{paper.arxiv}), {paper.venue} {paper.year}",
        "Trained on": card.training_data,
        "Licence of the weights": card.licence.weights,
        "Licence of the code": card.licence.code,
    }
    return "\n".join(f"- {what}: {fact}" for what, fact in facts.items())

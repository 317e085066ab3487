"""Keeping what is generated from model cards up to date: parts of the cards, and the README's table.

``python -m avssl_hub.cards`` checks it, ``--write`` mends it. ``--fill NAME`` first records the golden outputs of that
checkpoint, unless there are those of its weights, and takes the number of parameters, the files' hashes and (with
``--scores FILE``) measured scores into the card's header.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from . import zoo
from ._card_text import models_table, sections
from ._cards import CARD_FILE, ModelCard, Parity, Score, join_card, parse, split_card
from ._hub_header import hub_header
from ._loading import hashed_files, model_class
from .errors import AvsslError, InvalidValueError, explain
from .hub import sha256_of

_README = "README.md"


def replace_between(text: str, marker: str, content: str, where: str) -> str:
    """Put ``content`` between ``<!-- marker:start -->`` and ``<!-- marker:end -->``.

    Raises:
        InvalidValueError: ``text`` does not have the pair exactly once.
    """
    start, end = f"<!-- {marker}:start -->", f"<!-- {marker}:end -->"
    head, opening, rest = text.partition(start)
    _, closing, tail = rest.partition(end)
    if not opening or not closing or start in tail:
        raise InvalidValueError(explain(f"{where}: generated part {marker!r}", "no such pair", f"{start} … {end} once"))
    return f"{head}{start}\n{content}\n{end}{tail}"


def regenerate(card: ModelCard) -> str:
    """Return the text of a card with its generated parts brought up to date: the Hub's keys, and parts of its page."""
    header, body = split_card(card.path)
    return join_card({**hub_header(card), "avssl": header["avssl"]}, regenerated(card, body))


def regenerated(card: ModelCard, body: str, address: str | None = None) -> str:
    """Return a card's Markdown with its generated parts brought up to date.

    Args:
        card: What they tell of.
        body: All behind the header.
        address: What examples load; the card's name by default.

    Raises:
        InvalidValueError: A part has no place.
    """
    for marker, content in sections(card, address or card.name).items():
        body = replace_between(body, marker, content, str(card.path))
    return body


def fill(
    folder: str | Path,
    scores: list[dict[str, Any]] | None = None,
    parity: Parity | None = None,
    original_sha256: str | None = None,
) -> ModelCard:
    """Bring the card in a checkpoint's folder in line with the files beside it.

    Args:
        folder: Holds README.md, config.json and what else belongs to the checkpoint.
        scores: Replace the measured scores; fields as :class:`~avssl_hub._cards.Score`.
        parity: Replaces the parity result.
        original_sha256: Hash of the authors' file the weights were made from.

    Returns:
        The card as it now is.

    Raises:
        InvalidValueError: The card or a score breaks the schema.
    """
    path = Path(folder) / CARD_FILE
    parameters = _count_parameters(ModelCard.read(path))
    header, body = split_card(path)
    ours = header["avssl"]
    ours["parameters"] = parameters
    # Without weights there is no checkpoint to vouch for: the converter will write its own config beside them.
    files = hashed_files(path.parent) if zoo.has_weights(path.parent) else []
    ours["files"] = {file.name: sha256_of(file) for file in files}
    if scores is not None:
        new = parse(tuple[Score, ...], scores, "scores")
        kept = [score for score in ours["scores"] if score["source"] != "measured"]
        ours["scores"] = [{k: v for k, v in asdict(score).items() if v is not None} for score in new] + kept
    if parity is not None:
        ours["parity"] = asdict(parity)
    if original_sha256 is not None:
        ours["original"]["sha256"] = original_sha256
    path.write_text(join_card(header, body), encoding="utf-8")
    card = ModelCard.read(path)
    path.write_text(regenerate(card), encoding="utf-8")
    return card


def outdated(root: Path) -> dict[Path, str]:
    """Return the files whose generated parts have drifted from the cards, with the text they should have.

    Args:
        root: The checkout: README.md and ``model_cards/`` lie in it.
    """
    cards = [ModelCard.read(path) for path in sorted((root / "model_cards").glob(f"*/{CARD_FILE}"))]
    wanted = {card.path: regenerate(card) for card in cards}
    readme = root / _README
    wanted[readme] = replace_between(readme.read_text(encoding="utf-8"), "models", models_table(cards), str(readme))
    return {path: text for path, text in wanted.items() if path.read_text(encoding="utf-8") != text}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m avssl_hub.cards", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="bring generated parts up to date instead of checking")
    parser.add_argument("--fill", metavar="NAME", help="first take facts from this checkpoint's files into its card")
    parser.add_argument("--scores", type=Path, help="with --fill: YAML or JSON list of scores")
    options = parser.parse_args(arguments)
    root = zoo.cards_folder().parent
    try:
        if options.fill:
            scores = yaml.safe_load(options.scores.read_text(encoding="utf-8")) if options.scores else None
            folder = zoo.cards_folder() / options.fill
            if zoo.has_weights(folder):
                from .golden import record

                record(folder)
            card = fill(folder, scores)
            print(f"{card.path}: {card.parameters:,} parameters, {len(card.files)} files, {len(card.scores)} scores")
        drifted = outdated(root)
    except AvsslError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in drifted.items():
        if options.write:
            path.write_text(text, encoding="utf-8")
        print(f"{path}: {'written' if options.write else 'out of date'}")
    if drifted and not options.write:
        print("Run `python -m avssl_hub.cards --write`.")
    return 1 if drifted and not options.write else 0


def _count_parameters(card: ModelCard) -> int:
    import torch

    found = model_class(card.path.parent, card)
    with torch.device("meta"):
        model = found(found.config_class.from_pretrained(card.path.parent))
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    sys.exit(main())

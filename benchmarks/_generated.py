"""What of the leaderboard stands in the README and the model cards, kept up to date."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from avssl_hub._cards import CARD_FILE, ModelCard, join_card, split_card
from avssl_hub._hub_header import hub_header
from avssl_hub.cards import replace_between
from avssl_hub.errors import InvalidValueError, explain

from ._board import Entry
from ._hub_metadata import model_index
from ._tables import board_table, model_table

RESULTS = PurePosixPath("benchmarks/results")
_README, _CARDS = "README.md", "model_cards"


def outdated(root: Path, entries: Sequence[Entry]) -> dict[Path, str]:
    """Return the files whose generated parts have drifted from the results, with the text they should have.

    Args:
        root: The checkout: README.md, ``model_cards`` and ``benchmarks/results`` lie in it.
        entries: All results of the project.

    Raises:
        InvalidValueError: ``root`` is no checkout, or a file has no place for its part.
    """
    readme = root / _README
    if not readme.is_file():
        step = "Install the package with `pip install -e` from a clone."
        raise InvalidValueError(explain("parts of the leaderboard", f"no {readme}", "a checkout of the project", step))
    table = board_table(entries, RESULTS)
    wanted = {readme: replace_between(readme.read_text(encoding="utf-8"), "leaderboard", table, str(readme))}
    controls = [entry for entry in entries if entry.kind == "control"]
    for path in sorted((root / _CARDS).glob(f"*/{CARD_FILE}")):
        card = ModelCard.read(path)
        wanted[path] = _card_text(card, [entry for entry in entries if _is_of(entry, card)], controls)
    return {path: text for path, text in wanted.items() if path.read_text(encoding="utf-8") != text}


def _is_of(entry: Entry, card: ModelCard) -> bool:
    """Whether a result is a score of the very weights that the card is about."""
    weights = [digest for name, digest in card.files.items() if fnmatchcase(name, "model*.safetensors")]
    model = entry.result["model"]
    published = card.hub.revision is not None and model["revision"] == card.hub.revision
    same = published or model["weights_sha256"].split() == weights
    return entry.kind == "model" and entry.model == card.name and same


def _card_text(card: ModelCard, entries: Sequence[Entry], controls: Sequence[Entry]) -> str:
    header, body = split_card(card.path)
    body = replace_between(body, "benchmarks", model_table(entries, controls), str(card.path))
    results = [result for index in model_index(card.name, entries) for result in index["results"]]
    return join_card({**hub_header(card, results), "avssl": header["avssl"]}, body)

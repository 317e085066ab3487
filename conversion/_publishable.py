"""Whether a checkpoint may be published, and is fit for it."""

import json
import re
from pathlib import Path

from huggingface_hub import ModelCard as HubCard
from safetensors import SafetensorError, safe_open

from avssl_hub._cards import CARD_FILE, Licence, ModelCard, split_card
from avssl_hub.cards import regenerate
from avssl_hub.errors import CheckpointError
from avssl_hub.verification import verify

REPORT_FILE = "parity_report.json"
_ALLOWED = ("config.json", "preprocessor_config.json", REPORT_FILE, CARD_FILE, "LICENSE", "LICENSE.md", "LICENSE.txt")
_TENSORS = ".safetensors"
_SECTIONS = ("Use this when", "Facts", "How to use it", "Scores", "Limits", "Bias and privacy", "Citation")
_NON_COMMERCIAL = re.compile(r"\bnc\b|non-?commercial", re.IGNORECASE)


def licence_problems(card: ModelCard) -> list[str]:
    """Say what forbids to pass the weights on, or to do so under the licence that the Hub would show."""
    licence, shown = card.licence, card.metadata
    if licence.redistributable != "yes":
        return [_not_to_be_passed_on(licence)]
    name = shown.license if shown.license != "other" else shown.license_name or ""
    problems = []
    if shown.license == "other" and not (shown.license_name and shown.license_link):
        problems.append("license 'other' without license_name and license_link")
    if shown.license != "other" and shown.license.lower() != licence.weights.lower():
        problems.append(f"the Hub's license is {shown.license!r}, but the weights' is {licence.weights!r}")
    if _NON_COMMERCIAL.search(licence.weights) and not _NON_COMMERCIAL.search(name):
        problems.append(f"the weights are for non-commercial use ({licence.weights}), and the Hub's license hides it")
    return problems


def _not_to_be_passed_on(licence: Licence) -> str:
    allowed = "is not known" if licence.redistributable == "unknown" else "is not allowed"
    return f"passing the weights on {allowed} (licence of the weights: {licence.weights})"


def file_problems(folder: Path) -> list[str]:
    """Name the files that are not of the kinds that a model repository of ours holds, or not what they are called."""
    problems = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            problems.append(f"{path.name} is no plain file")
        elif path.suffix == _TENSORS:
            try:
                with safe_open(path, "pt"):
                    pass
            except SafetensorError as error:
                problems.append(f"{path.name} is no safetensors file ({error})")
        elif path.name not in _ALLOWED:
            problems.append(f"{path.name} is neither {_TENSORS} nor one of {', '.join(_ALLOWED)}")
    return problems


def card_problems(card: ModelCard) -> list[str]:
    """Say what a card lacks, and which generated part of it is out of date."""
    _, body = split_card(card.path)
    parts = re.split(r"^## +(.+)\n", body, flags=re.MULTILINE)
    texts = {title.strip(): re.sub(r"<!--.*?-->", "", text).strip() for title, text in zip(parts[1::2], parts[2::2])}
    problems = [f"the card has no text under {title!r}" for title in _SECTIONS if not texts.get(title)]
    try:
        HubCard(card.path.read_text(encoding="utf-8"))
    except ValueError as error:
        problems.append(f"the Hub would not read the card's header ({error})")
    try:
        if regenerate(card) != card.path.read_text(encoding="utf-8"):
            problems.append("generated parts of the card are out of date")
    except CheckpointError as error:
        # They tell of golden outputs, which may be missing.
        problems.append(str(error))
    return problems


def evidence_problems(folder: Path, card: ModelCard) -> list[str]:
    """Say what is not proven: the files, what they compute, and that a conversion is one of the authors' file."""
    problems = verify(folder).problems
    if card.original is None:
        return problems
    try:
        report = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
        told = report["name"], report["max_error"], report["tolerance"], report["source_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [*problems, f"{REPORT_FILE} cannot be read ({type(error).__name__}: {error})"]
    name, error, tolerance, sources = told
    if name != card.name:
        problems.append(f"{REPORT_FILE} is of {name}")
    if not error <= tolerance or card.parity is None:
        problems.append(f"{REPORT_FILE} shows an error of {error:g}, {tolerance:g} is allowed")
    if card.original.sha256 not in sources.values():
        problems.append(f"{REPORT_FILE} is not of the file whose sha256 the card gives")
    return problems

"""Publishing a checkpoint on the Hub: its folder, after everything that its card claims was checked."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from avssl_hub import zoo
from avssl_hub._cards import CARD_FILE, HubLocation, ModelCard, join_card, split_card
from avssl_hub.cards import regenerated
from avssl_hub.errors import WeightsNotFoundError, explain

from ._publishable import card_problems, evidence_problems, file_problems, licence_problems
from ._upload import Content, PublishError, is_same, remote_files, upload

# The Hub's own; it comes with a new repository.
_OF_THE_HUB = (".gitattributes",)


@dataclass(frozen=True)
class Publication:
    """What :func:`publish` did, or in a dry run would do.

    Attributes:
        repo_id: The repository.
        is_new: Whether it was not there before.
        uploaded: Files that were not there, or with another content.
        unchanged: Files that were there already.
        left: Other files of the repository, which stay as they are.
        commit: The new commit; None if there was nothing to do, or in a dry run.
    """

    repo_id: str
    is_new: bool
    uploaded: tuple[str, ...]
    unchanged: tuple[str, ...]
    left: tuple[str, ...]
    commit: str | None = None


def publish(name: str, org: str, *, dry_run: bool = False) -> Publication:
    """Bring a checkpoint's repository on the Hub in line with its folder here; a second time there is nothing to do.

    Args:
        name: Catalogue name; the weights lie in the catalogue or where the converters put them.
        org: Organisation or user that the repository belongs to. It is named as on the card.
        dry_run: Only check, and compare with what the Hub has.

    Raises:
        UnknownNameError: There is no such checkpoint.
        WeightsNotFoundError: Its weights are not on this machine.
        PublishError: It may not be passed on or something about it is not in order, all of which the text lists; or
            the Hub refuses it.
        DownloadError: The Hub is not in reach, or a transfer was cut.
    """
    known = zoo.card(name)
    # The project's own card decides, not a copy of it beside the weights.
    allowed = "weights that may be passed on under the licence shown"
    _refuse(name, licence_problems(known), allowed, "Let everyone convert their own.")
    folder = _folder(known)
    card = ModelCard.read(folder / CARD_FILE)
    problems = file_problems(folder) + card_problems(card) + evidence_problems(folder, card)
    _refuse(name, problems, "a folder that is in order", f"See `avssl verify {name}` and CONTRIBUTING.md.")
    repo_id = f"{org}/{card.hub.repo_id.partition('/')[2]}"
    local: dict[str, Content] = {path.name: path for path in sorted(folder.iterdir())}
    local[CARD_FILE] = _card_for(card, repo_id)
    remote = remote_files(repo_id)
    there = remote or {}
    changed = {file: content for file, content in local.items() if not is_same(content, there.get(file))}
    publication = Publication(
        repo_id=repo_id,
        is_new=remote is None,
        uploaded=tuple(changed),
        unchanged=tuple(file for file in local if file not in changed),
        left=tuple(file for file in there if file not in local and file not in _OF_THE_HUB),
    )
    if dry_run or not changed:
        return publication
    return replace(publication, commit=upload(repo_id, changed, f"Publish {name}"))


def _folder(card: ModelCard) -> Path:
    for folder in (card.path.parent, zoo.converted_path(card.name)):
        if zoo.has_weights(folder):
            return folder
    step = f"Make them with `{card.converter} --download`." if card.converter else "Train it with the family's recipe."
    raise WeightsNotFoundError(explain(f"publishing {card.name}", "no weights on this machine", "its folder", step))


def _refuse(name: str, problems: list[str], expected: str, next_step: str) -> None:
    if problems:
        raise PublishError(explain(f"publishing {name}", "; ".join(problems), expected, next_step))


def _card_for(card: ModelCard, repo_id: str) -> bytes:
    """Word a card for its own page: examples name the repository, and other cards are no longer beside it."""
    published = replace(card, hub=HubLocation(repo_id, None))
    header, body = split_card(card.path)
    header["avssl"]["hub"] = {"repo_id": repo_id, "revision": None}
    body = regenerated(published, body, address=repo_id)
    return join_card(header, re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", body)).encode()

"""The catalogue of checkpoints, read from their model cards, and loading one by name, folder or Hub id."""

import os
import re
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import hub
from ._cards import CARD_FILE, ModelCard, is_card
from ._loading import check_files, load_strictly, model_class
from .errors import InvalidValueError, WeightsNotFoundError, explain, unknown_name

if TYPE_CHECKING:
    from transformers import FeatureExtractionMixin, PreTrainedModel

_WEIGHTS = "model*.safetensors"
_CONFIG = "config.json"
_PROCESSOR = "preprocessor_config.json"
_HUB_PREFIX = "hf://"
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_HUB_FILES = ["*.json", "*.safetensors", CARD_FILE, "LICENSE*"]


def list_models(filter: str | None = None, family: str | None = None, task: str | None = None) -> list[str]:
    """Return the names of the catalogue's checkpoints, sorted.

    Args:
        filter: A glob (``avid*.kinetics``) or a part of the name.
        family: Only this family (``avid``).
        task: Only checkpoints made for this task (``audio-visual-feature-extraction``).

    Raises:
        UnknownNameError: No checkpoint is of that family or task.
    """
    cards = catalogue().values()
    if family is not None:
        cards = _select(cards, "family", family, lambda card: (card.family,))
    if task is not None:
        cards = _select(cards, "task", task, lambda card: card.tasks)
    pattern = "*" if filter is None else filter if any(c in filter for c in "*?[") else f"*{filter}*"
    return sorted(card.name for card in cards if fnmatchcase(card.name, pattern))


def card(name: str) -> ModelCard:
    """Return what is known of a checkpoint of the catalogue.

    Raises:
        UnknownNameError: The catalogue has no such name; the text offers close ones.
    """
    known = catalogue()
    if name not in known:
        raise unknown_name("model", name, known)
    return known[name]


def resolve(name: str | Path, revision: str | None = None, weights: bool = True) -> Path:
    """Return the folder that holds a checkpoint's config, weights, processor and card.

    A catalogue name is looked for in the catalogue's own folder, then in ``$AVSSL_HOME/models`` (default
    ``~/.cache/avssl_hub``), where the converter puts its output, then on the Hub at the card's pinned
    revision. A folder is written as a :class:`~pathlib.Path` or with a leading ``./``, ``/`` or ``~``; a Hub
    repository as ``org/name``, or ``hf://org/name`` where a folder of that name exists too. A bare name that
    the catalogue has is always the catalogue's.

    Args:
        name: Catalogue name, folder or Hub repository.
        revision: Branch, tag or commit on the Hub, in place of the card's.
        weights: Whether they have to be in it; the config alone is enough to draw random ones.

    Raises:
        UnknownNameError: Neither the catalogue nor the Hub knows the name.
        InvalidValueError: It may mean a folder or a Hub repository.
        WeightsNotFoundError: The checkpoint is known but its weights are nowhere; says how to make them.
        DownloadError: The transfer from the Hub failed.
    """
    return _find(name, revision, _WEIGHTS if weights else _CONFIG)[0]


def find(name: str | Path, revision: str | None = None) -> tuple[Path, ModelCard | None]:
    """Return the folder of :func:`resolve`, and the card that vouches for its files, if one does."""
    return _find(name, revision, _WEIGHTS)


def has_weights(folder: Path) -> bool:
    """Whether a folder holds a model's weights."""
    return any(folder.glob(_WEIGHTS))


def load(name: str | Path, *, revision: str | None = None, **kwargs: Any) -> "PreTrainedModel":
    """Load a checkpoint into the class its config names, strictly, in evaluation mode.

    The files are checked against the hashes in the checkpoint's card before they are opened.

    Args:
        name: Catalogue name, folder or Hub repository; see :func:`resolve`.
        revision: Branch, tag or commit on the Hub.
        **kwargs: Passed to ``from_pretrained`` (``dtype``, ``device_map``, values of the config, …).

    Raises:
        HashMismatchError: A file is not the one its card lists.
        CheckpointError: The folder's model is of no family here, its weights are damaged, or the weights and
            the model do not have the same keys and shapes.
    """
    folder, record = _find(name, revision, _WEIGHTS)
    if record:
        check_files(folder, record, record.files)
    return load_strictly(model_class(folder, record), folder, **kwargs)


def load_processor(name: str | Path, *, revision: str | None = None, **kwargs: Any) -> "FeatureExtractionMixin":
    """Load the processor that makes a checkpoint's inputs from raw media; needs no weights.

    Args:
        name: Catalogue name, folder or Hub repository; see :func:`resolve`.
        revision: Branch, tag or commit on the Hub.
        **kwargs: Values that replace the stored ones.

    Raises:
        HashMismatchError: The stored settings are not those its card lists.
        CheckpointError: The folder's model is of no family here.
    """
    folder, record = _find(name, revision, _PROCESSOR)
    if record and _PROCESSOR in record.files:
        check_files(folder, record, [_PROCESSOR])
    model_class(folder, record)  # registers the family with AutoProcessor
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(folder, local_files_only=True, **kwargs)


def catalogue() -> dict[str, ModelCard]:
    """Return the cards by name.

    Raises:
        InvalidValueError: A card breaks the schema; the text names file and field.
    """
    return _read_catalogue(cards_folder())


def cards_folder() -> Path:
    """Return the folder of the model cards: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "model_cards"
    return inside if inside.is_dir() else package.parent / "model_cards"


def converted_path(name: str) -> Path:
    """Return where a converted checkpoint of this name is kept on this machine."""
    return _home() / "models" / name


def sources_path() -> Path:
    """Return the folder of the authors' own files, as downloaded."""
    return _home() / "sources"


def features_path() -> Path:
    """Return the folder that keeps features of recordings between runs of benchmarks."""
    return _home() / "features"


def _home() -> Path:
    return Path(os.environ.get("AVSSL_HOME", "~/.cache/avssl_hub")).expanduser()


@lru_cache(maxsize=4)
def _read_catalogue(folder: Path) -> dict[str, ModelCard]:
    cards = [ModelCard.read(path) for path in sorted(folder.glob(f"*/{CARD_FILE}"))]
    return {card.name: card for card in cards}


def _select(cards, kind, wanted, values):
    chosen = [card for card in cards if wanted in values(card)]
    if not chosen:
        raise unknown_name(kind, wanted, {value for card in cards for value in values(card)})
    return chosen


def _find(name: str | Path, revision: str | None, wanted: str) -> tuple[Path, ModelCard | None]:
    """Return the folder that holds a file like ``wanted``, and the card that vouches for its content."""
    if isinstance(name, Path) or name.startswith((".", "/", "~")):
        return _in_folder(Path(name).expanduser(), wanted)
    if name.startswith(_HUB_PREFIX):
        return _in_snapshot(name.removeprefix(_HUB_PREFIX), revision, wanted)
    if name in catalogue():
        return _in_catalogue(card(name), revision, wanted)
    is_folder, is_hub_id = Path(name).is_dir(), _HUB_ID.fullmatch(name) is not None
    if is_folder and is_hub_id:
        forms = f"'./{name}' for the folder or '{_HUB_PREFIX}{name}' for the Hub"
        raise InvalidValueError(explain("model name", f"{name!r}, a folder here and a form of Hub id", forms))
    if is_folder:
        return _in_folder(Path(name), wanted)
    if is_hub_id:
        return _in_snapshot(name, revision, wanted)
    raise unknown_name("model", name, catalogue(), "A folder is written './name', a Hub repository 'org/name'.")


def _in_folder(folder: Path, wanted: str) -> tuple[Path, ModelCard | None]:
    if not folder.is_dir():
        raise WeightsNotFoundError(explain("model folder", f"{folder}, which does not exist", "an existing folder"))
    if not any(folder.glob(wanted)) or not (folder / _CONFIG).is_file():
        held = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        needed = " and ".join(dict.fromkeys([_CONFIG, wanted]))
        raise WeightsNotFoundError(explain(f"model folder {folder}", held, f"{needed} in it"))
    own = folder / CARD_FILE
    return folder, ModelCard.read(own) if is_card(own) else None


def _in_snapshot(repo_id: str, revision: str | None, wanted: str) -> tuple[Path, ModelCard | None]:
    return _in_folder(hub.snapshot(repo_id, revision, _HUB_FILES), wanted)


def _in_catalogue(known: ModelCard, revision: str | None, wanted: str) -> tuple[Path, ModelCard | None]:
    places = [known.path.parent, converted_path(known.name)]
    if revision is None:
        for place in places:
            if any(place.glob(wanted)):
                return _in_folder(place, wanted)
    pinned = revision or known.hub.revision
    if pinned:
        folder, found = _in_snapshot(known.hub.repo_id, pinned, wanted)
        # At the pinned commit our own copy of the card vouches; another commit brings its own.
        return folder, found if revision else known
    got = f"none in {' or '.join(map(str, places))}, and not on the Hub"
    raise WeightsNotFoundError(
        explain(f"weights of {known.name!r}", got, "a converted checkpoint", _how_to_make(known))
    )


def _how_to_make(known: ModelCard) -> str:
    if known.converter is None or known.original is None:
        return "Train it with the family's recipe."
    return (
        f"Make it with `{known.converter} --download` from {known.original.url} "
        f"(licence of the code: {known.licence.code}; of the weights: {known.licence.weights})."
    )

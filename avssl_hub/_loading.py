"""Opening a checkpoint folder: which class it is of, whether its files are the right ones, strict weights."""

import json
from collections.abc import Iterable
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._cards import ModelCard
from .errors import CheckpointError, explain
from .hub import check_sha256

if TYPE_CHECKING:
    from transformers import PreTrainedModel


# What a card lists the hashes of.
_HASHED = ("config.json", "preprocessor_config.json", "*.safetensors")


def hashed_files(folder: Path) -> list[Path]:
    """Return the files of a checkpoint that its card has to vouch for."""
    return [path for pattern in _HASHED for path in sorted(folder.glob(pattern))]


def check_files(folder: Path, record: ModelCard, names: Iterable[str]) -> None:
    """Compare files of ``folder`` with the hashes in their card.

    Raises:
        CheckpointError: A listed file is not there.
        HashMismatchError: A file is another one than listed.
    """
    for name in names:
        path = folder / name
        if not path.is_file():
            raise CheckpointError(explain(f"model folder {folder}", f"no {name}", "every file its card lists"))
        check_sha256(path, record.files[name], f"{record.path} lists another {name}: get the checkpoint again.")


def model_class(folder: Path, record: ModelCard | None) -> type["PreTrainedModel"]:
    """Import the family that a folder's config names, which registers it, and return its model class.

    Raises:
        CheckpointError: The config is unreadable, of no family here or not of the card's, or names no class.
    """
    from .models import FAMILIES

    path, config = folder / "config.json", read_config(folder)
    family = config.get("model_type")
    if family not in FAMILIES:
        expected = f"one of {', '.join(map(repr, FAMILIES))}"
        step = "This checkpoint is of no family of this package: load it with the library that made it."
        raise CheckpointError(explain(f"{path}: model_type", repr(family), expected, step))
    if record and record.family != family:
        expected = f"{record.family!r}, as {record.path} says"
        raise CheckpointError(explain(f"{path}: model_type", repr(family), expected, "Use that family's checkpoint."))
    name = (config.get("architectures") or [record.class_ if record else ""])[0]
    found = getattr(import_module(f"{__package__}.models.{family}"), name, None)
    if not hasattr(found, "from_pretrained"):
        expected = f"a model class of the family {family!r}"
        raise CheckpointError(explain(f"{path}: architectures", repr(name), expected, "Set it to the weights' class."))
    return found


def read_config(folder: Path) -> dict[str, Any]:
    """Read a folder's config as plain data.

    Raises:
        CheckpointError: It is no JSON.
    """
    path = folder / "config.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(explain(str(path), f"invalid JSON ({error})", "a model config")) from error


def load_strictly(
    model_class: type["PreTrainedModel"], folder: Path, allow_more: bool = False, **kwargs: Any
) -> "PreTrainedModel":
    """Load a folder's safetensors into ``model_class``; transformers alone would only warn of stray keys.

    Args:
        model_class: Has ``from_pretrained``.
        folder: Holds config and weights.
        allow_more: Whether the file may hold other keys too, such as those of a head that is not wanted.
        **kwargs: Passed to ``from_pretrained``.

    Raises:
        CheckpointError: The file is damaged, or its keys or shapes are not the model's.
    """
    from safetensors import SafetensorError

    try:
        with _quiet_loading():
            model, report = model_class.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True, **kwargs
            )
    except SafetensorError as error:
        files = " or ".join(str(path) for path in sorted(folder.glob("model*.safetensors")))
        step = "The file is cut or damaged: make or download it again."
        raise CheckpointError(explain(f"weights {files}", str(error), "a whole safetensors file", step)) from error
    except RuntimeError as error:
        if "ignore_mismatched_sizes" not in str(error):
            raise
        raise _misfit(folder, model_class, f"other shapes ({error})") from error
    missing = sorted(report["missing_keys"])
    unexpected = [] if allow_more else sorted(report["unexpected_keys"])
    if missing or unexpected:
        got = [_listed("missing", missing), _listed("unexpected", unexpected)]
        raise _misfit(folder, model_class, " and ".join(filter(None, got)))
    return model.eval()


@contextmanager
def _quiet_loading():
    """Keep transformers from drawing a bar and logging a key report; stray keys are our own error."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _listed(kind: str, keys: list[str]) -> str:
    shown = ", ".join(keys[:8]) + (", …" if len(keys) > 8 else "")
    return f"{len(keys)} {kind} keys ({shown})" if keys else ""


def _misfit(folder: Path, model_class: type, got: str) -> CheckpointError:
    step = "They are of another model, or config.json was changed: convert or download the checkpoint again."
    return CheckpointError(explain(f"weights in {folder}", got, f"exactly the keys of {model_class.__name__}", step))

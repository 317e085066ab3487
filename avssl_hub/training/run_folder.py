"""The folder of a run: whose it is, what it notes, and what may be resumed in it."""

import json
from pathlib import Path

import yaml
from transformers import FeatureExtractionMixin

from ..errors import CheckpointError, InvalidValueError, explain
from ..outputs import make_folder, replacing
from .run_settings import RunSettings

RECIPE_FILE = "recipe.yaml"
METRICS_FILE = "metrics.json"
# Settings that do not touch the result: what a manifest lists is compared by its fingerprint, and the messages of a run
# that stops advise to change the others.
FREE_TO_CHANGE = ("data.workers", "data.manifest", "data.max_broken", "loop.checkpoint_every", "loop.keep_checkpoints")


def check_folder(folder: Path, recipe: RunSettings, resume: bool) -> bool:
    """Tell whether the folder is new to runs; accept one that is not only to resume the very same recipe.

    Raises:
        InvalidValueError: It holds another run, or one that was not asked to be resumed.
    """
    noted = folder / RECIPE_FILE
    if not noted.exists():
        return True
    if not resume:
        step = "Resume it, or choose another folder."
        raise InvalidValueError(explain(f"training into {folder}", "a folder that holds a run", "a new folder", step))
    before, now = flat(yaml.safe_load(noted.read_text(encoding="utf-8"))), flat(_plain(recipe))
    changed = [key for key in before | now if before.get(key) != now.get(key) and key not in FREE_TO_CHANGE]
    if changed:
        got, rule = f"a recipe that differs in {', '.join(changed)}", f"the recipe in {noted}"
        step = "Resume with that recipe, or choose another folder."
        raise InvalidValueError(explain(f"resuming {folder}", got, rule, step))
    return False


def note_recipe(folder: Path, recipe: RunSettings) -> None:
    """Make the folder the run's.

    Raises:
        OutputError: It cannot be made or written.
    """
    make_folder(folder)
    with replacing(folder / RECIPE_FILE) as partial:
        partial.write_text(yaml.safe_dump(_plain(recipe), sort_keys=False), encoding="utf-8")


def noted_processor(folder: Path, kind: type[FeatureExtractionMixin]) -> FeatureExtractionMixin:
    """Read the processor in a run's folder.

    Raises:
        CheckpointError: It is missing or damaged.
    """
    try:
        return kind.from_pretrained(folder)
    except (OSError, ValueError) as error:
        got = " ".join(str(error).split())
        raise CheckpointError(explain(f"processor of {folder}", got, "a whole preprocessor_config.json")) from error


def write_metrics(folder: Path, metrics: dict) -> None:
    """Write a finished run's record of itself."""
    with replacing(folder / METRICS_FILE) as partial:
        partial.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def _plain(recipe: RunSettings) -> dict:
    return json.loads(json.dumps(recipe.to_dict()))


def flat(settings: object, front: str = "") -> dict[str, object]:
    """Name each of nested settings by its whole key, ``section.key``."""
    if not isinstance(settings, dict):
        return {front: settings}
    return {
        name: value for key, item in settings.items() for name, value in flat(item, f"{front}.{key}".strip(".")).items()
    }

"""Recipes from YAML files and the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .._typed import parse
from ..errors import explain, unknown_name
from ._recipe_error import RecipeError
from .run_folder import RECIPE_FILE
from .run_settings import RunSettings
from .tasks import TASKS

RECIPES = Path(__file__).with_name("recipes")


def list_recipes(folder: Path = RECIPES) -> list[str]:
    """Name the recipes that come with the package, such as "avid/tiny_avworld"."""
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def load_recipe(path_or_name: str | Path, overrides: Sequence[str] = ()) -> RunSettings:
    """Read a recipe and apply overrides.

    Args:
        path_or_name: A YAML file, or the name of a recipe that comes with the package.
        overrides: ``section.key=value`` each, the value written as in YAML.

    Raises:
        RecipeError: The file is no valid recipe, or an override names no setting or has the wrong type.
        UnknownNameError: There is neither such a file nor such a recipe.
    """
    return parse_recipe(read_settings(path_or_name, overrides))


def read_settings(path_or_name: str | Path, overrides: Sequence[str] = (), folder: Path = RECIPES) -> dict[str, Any]:
    """Read a recipe of ``folder``, or any file, and apply overrides, as plain values; see :func:`load_recipe`.

    Raises:
        RecipeError: The file is no mapping, or an override is not worded as one.
        UnknownNameError: There is neither such a file nor such a recipe.
    """
    path = Path(path_or_name)
    if not path.is_file():
        known = list_recipes(folder)
        name = str(path_or_name).removesuffix(".yaml")
        if name not in known:
            raise unknown_name("recipe", name, known, "Or give the path of a YAML file.")
        path = folder / f"{name}.yaml"
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(explain(f"reading recipe {path}", " ".join(str(error).split()), "a YAML file")) from error
    if not isinstance(settings, dict):
        raise RecipeError(explain(f"reading recipe {path}", type(settings).__name__, "a mapping of settings"))
    for override in overrides:
        _override(settings, override)
    return settings


def parse_recipe(settings: Mapping[str, Any]) -> RunSettings:
    """Build the recipe of a task, "embedding" if none is named, from plain values, as YAML holds them."""
    task = parse(str, settings.get("task", "embedding"), "task", RecipeError)
    if task not in TASKS:
        raise RecipeError(unknown_name("task in recipe key 'task'", task, TASKS))
    return parse(TASKS[task].recipe, settings, "", RecipeError)


def noted_recipe(folder: Path) -> RunSettings:
    """Read the recipe that a run noted in its folder."""
    return parse_recipe(yaml.safe_load((folder / RECIPE_FILE).read_text(encoding="utf-8")))


def _override(settings: dict, override: str) -> None:
    key, equals, text = override.partition("=")
    *sections, last = key.split(".")
    if not equals or not all([*sections, last]):
        raise RecipeError(explain("recipe override", repr(override), "section.key=value, such as loop.steps=100"))
    for section in sections:
        settings = settings.setdefault(section, {})
        if not isinstance(settings, dict):
            raise RecipeError(explain("recipe override", repr(override), f"a key outside '{section}', a value"))
    try:
        settings[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(explain("recipe override", repr(override), "a value written as in YAML")) from error

"""Recipes from YAML files and the command line: every value is checked against the type of its setting."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

from ..errors import AvsslError, explain, unknown_name
from .recipe import Recipe, RecipeError, require

RECIPES = Path(__file__).with_name("recipes")


def list_recipes() -> list[str]:
    """Name the recipes that come with the package, such as "avid/tiny_avworld"."""
    return sorted(path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.yaml"))


def load_recipe(path_or_name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        path_or_name: A YAML file, or the name of a recipe that comes with the package.
        overrides: ``section.key=value`` each, the value written as in YAML.

    Raises:
        RecipeError: The file is no valid recipe, or an override names no setting or has the wrong type.
        UnknownNameError: There is neither such a file nor such a recipe.
    """
    path = Path(path_or_name)
    if not path.is_file():
        known = list_recipes()
        name = str(path_or_name).removesuffix(".yaml")
        if name not in known:
            raise unknown_name("recipe", name, known, "Or give the path of a YAML file.")
        path = RECIPES / f"{name}.yaml"
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(explain(f"reading recipe {path}", " ".join(str(error).split()), "a YAML file")) from error
    if not isinstance(settings, dict):
        raise RecipeError(explain(f"reading recipe {path}", type(settings).__name__, "a mapping of settings"))
    for override in overrides:
        _override(settings, override)
    return parse_recipe(settings)


def parse_recipe(settings: Mapping[str, Any]) -> Recipe:
    """Build a recipe from plain values, as YAML holds them."""
    return _parse(Recipe, settings, "")


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


def _parse(kind: Any, value: Any, where: str) -> Any:
    """Turn a plain value into ``kind``: a dataclass, or one of the types its fields use."""
    if dataclasses.is_dataclass(kind):
        return _parse_section(kind, value, where)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        require(value in inner, where, repr(value), f"one of {', '.join(map(repr, inner))}")
        return value
    if origin is tuple and isinstance(value, (list, tuple)):
        if inner[-1] is ...:
            return tuple(_parse(inner[0], item, where) for item in value)
        if len(value) == len(inner):
            return tuple(_parse(each, item, where) for each, item in zip(inner, value))
    elif kind is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        # YAML reads 1e-3, without a dot, as text.
        try:
            return float(value)
        except ValueError:
            pass
    elif isinstance(value, origin or kind) and (kind is bool or not isinstance(value, bool)):
        return value
    wanted = kind if isinstance(kind, types.GenericAlias) else kind.__name__
    raise RecipeError(explain(f"recipe key '{where}'", repr(value), f"a value of type {wanted}"))


def _parse_section(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise RecipeError(explain(f"recipe section '{where}'", repr(value), "a mapping of settings"))
    fields = typing.get_type_hints(kind)
    for key in value:
        if key not in fields:
            place = f"recipe key in '{where}'" if where else "recipe key"
            raise RecipeError(unknown_name(place, str(key), fields))
    parsed = {key: _parse(fields[key], item, f"{where}.{key}".strip(".")) for key, item in value.items()}
    needed = [f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING]
    for name in needed:
        require(name in parsed, f"{where}.{name}".strip("."), "nothing", "a value, since it has no default")
    try:
        return kind(**parsed)
    except RecipeError:
        raise
    except AvsslError as error:
        raise RecipeError(str(error)) from error

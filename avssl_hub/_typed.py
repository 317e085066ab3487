"""Plain values, as YAML holds them, checked against the types of the settings they are for."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from .errors import AvsslError, InvalidValueError, explain, unknown_name


class SettingError(InvalidValueError):
    """One of the keys or values of a file of settings is wrong.

    Attributes:
        noun: What messages call the file.
    """

    noun: ClassVar[str] = "settings"

    @classmethod
    def require(cls, holds: bool, where: str, got: object, rule: str) -> None:
        """Raise the error for the setting ``where`` unless its rule holds."""
        if not holds:
            raise cls(explain(f"{cls.noun} key '{where}'", got, rule))


def parse(kind: Any, value: Any, where: str, error: type[SettingError] = SettingError) -> Any:
    """Turn a plain value into ``kind``: a dataclass, or one of the types its fields use.

    Args:
        kind: The type.
        value: The plain value.
        where: Its key, with those of the sections around it.
        error: What to raise.

    Raises:
        SettingError: The value at key ``where`` is of another type; of class ``error``.
    """
    if dataclasses.is_dataclass(kind):
        return _parse_section(kind, value, where, error)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        # "int | None", the only kind of union among settings.
        return None if value is None else parse(inner[0], value, where, error)
    if origin is Literal:
        error.require(value in inner, where, repr(value), f"one of {', '.join(map(repr, inner))}")
        return value
    if origin is tuple and isinstance(value, (list, tuple)):
        if inner[-1] is ...:
            return tuple(parse(inner[0], item, where, error) for item in value)
        if len(value) == len(inner):
            return tuple(parse(each, item, where, error) for each, item in zip(inner, value))
    elif kind is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        # YAML reads 1e-3, without a dot, as text.
        try:
            return float(value)
        except ValueError:
            pass
    elif isinstance(value, origin or kind) and (kind is bool or not isinstance(value, bool)):
        return value
    wanted = kind if isinstance(kind, types.GenericAlias) else kind.__name__
    raise error(explain(f"{error.noun} key '{where}'", repr(value), f"a value of type {wanted}"))


def _parse_section(kind: type, value: Any, where: str, error: type[SettingError]) -> Any:
    if not isinstance(value, Mapping):
        raise error(explain(f"{error.noun} section '{where}'", repr(value), "a mapping of settings"))
    hints = typing.get_type_hints(kind)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            place = f"{error.noun} key in '{where}'" if where else f"{error.noun} key"
            raise error(unknown_name(place, str(key), fields))
    parsed = {key: parse(fields[key], item, f"{where}.{key}".strip("."), error) for key, item in value.items()}
    needed = [f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING]
    for name in needed:
        error.require(name in parsed, f"{where}.{name}".strip("."), "nothing", "a value, since it has no default")
    try:
        return kind(**parsed)
    except error:
        raise
    except AvsslError as refusal:
        raise error(str(refusal)) from refusal

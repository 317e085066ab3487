"""The reference of the command line, from the commands themselves."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from typer.main import get_command

from ..cli import app


def command_line() -> str:
    """Return the page: every command, its arguments and its options."""
    lines = ["# Command line", "", "`avssl COMMAND --help` shows the same."]
    for name, command in _commands("avssl", get_command(app)):
        lines += ["", f"## {name}", "", _escaped(cleandoc(command.help or "")), *_table(command.params)]
    return "\n".join(lines)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for verb, below in command.commands.items():
        yield from _commands(f"{name} {verb}", below)


def _table(parameters: list[Any]) -> Iterator[str]:
    shown = [parameter for parameter in parameters if getattr(parameter, "help", None)]
    if not shown:
        return
    yield from ("", "| | | default |", "| --- | --- | --- |")
    for parameter in shown:
        is_argument = parameter.param_type_name == "argument"
        names = (parameter.metavar or parameter.name.upper()) if is_argument else ", ".join(reversed(parameter.opts))
        given = "" if parameter.default in (None, False) else f"`{parameter.default}`"
        default = "required" if parameter.required else given
        yield f"| `{names}` | {_escaped(parameter.help)} | {default} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")

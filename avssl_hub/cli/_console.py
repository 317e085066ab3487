"""How the verbs talk: results on standard output, progress and errors on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

_PIPE_WIDTH = 160  # columns where no terminal sets them

_width = None if sys.stdout.isatty() else _PIPE_WIDTH
_out = Console(highlight=False, markup=False, emoji=False, width=_width)
_err = Console(highlight=False, markup=False, emoji=False, stderr=True)


def say(text: str) -> None:
    """Print a line of the result."""
    _out.print(text, soft_wrap=True)


def show(renderable: object) -> None:
    """Print something rich can lay out, such as a table."""
    _out.print(renderable)


def say_error(text: str) -> None:
    """Print an error for the user."""
    _err.print(f"error: {text}", style="red", soft_wrap=True)


def note(text: str) -> None:
    """Print a remark that is not part of the result."""
    _err.print(text, soft_wrap=True)


def count(number: int, what: str) -> str:
    """Say how many there are of something."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def table(*columns: str) -> Table:
    """Start a plain table whose first column is never wrapped."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    made.columns[0].no_wrap = True
    return made


@contextmanager
def progress_bar(label: str, unit: str = "files", shown: bool = True) -> Iterator[Callable[..., None]]:
    """Show a bar if ``shown``; yields the function that moves it, called with the number done, of all, and a remark."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    with Progress(*columns, console=_err, disable=not (shown and _err.is_terminal)) as bar:
        task = bar.add_task(label, total=None, remark="")

        def move(done: int, total: int, remark: str = "") -> None:
            bar.update(task, completed=done, total=total, remark=remark)

        yield move

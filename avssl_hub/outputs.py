"""Results on the disk: whole or not at all, and never silently in the place of others."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from .errors import AvsslError, explain


class OutputError(AvsslError, OSError):
    """A result cannot be written, or one is there already."""


def check_new(out: Path, force: bool) -> None:
    """Refuse, before any work, a file that cannot be written.

    Raises:
        OutputError: The file exists and ``force`` is not given, or its folder does not or cannot be written.
    """
    if out.is_dir() or (out.exists() and not force):
        step = "Choose another name." if out.is_dir() else "Choose another name, or pass --force to replace it."
        raise OutputError(explain(f"output {out}", "one that exists already", "a new name", step))
    if not out.absolute().parent.is_dir():
        raise OutputError(
            explain(f"output {out}", "a folder that does not exist", "an existing folder", "Make it first.")
        )
    try:
        # Only trying tells: there are read-only disks, and administrators whom permissions do not bind.
        TemporaryFile(dir=out.absolute().parent).close()
    except OSError as error:
        got, step = f"{error.strerror or error} in its folder", "Choose another folder."
        raise OutputError(explain(f"output {out}", got, "a folder that can be written", step)) from error


def check_suffix(out: Path, suffixes: Sequence[str], force: bool) -> None:
    """Refuse, before any work, a file of another kind than is written, or one that ``check_new`` refuses.

    Raises:
        OutputError: The suffix is none of ``suffixes``, or the file cannot be written.
    """
    if out.suffix not in suffixes:
        expected = f"one of {', '.join(suffixes)}" if len(suffixes) > 1 else suffixes[0]
        raise OutputError(explain(f"output {out}", f"suffix {out.suffix!r}", expected, "Rename the output."))
    check_new(out, force)


def check_apart(out: Path, source: str | os.PathLike) -> None:
    """Refuse to write over the film that is read.

    Raises:
        OutputError: ``out`` is ``source``.
    """
    if out.exists() and out.samefile(source):
        raise OutputError(explain(f"output {out}", "the film itself", "another name"))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` to write; it takes its place if the block ends well and vanishes otherwise."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with _explained(path):
            yield partial
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def filling(folder: Path, force: bool) -> Iterator[Path]:
    """Give a folder inside ``folder`` to fill; its files move up if the block ends well, and vanish otherwise.

    Args:
        folder: Made if it is not there, and taken away again if the block does not end well.
        force: Whether it may hold files already; those of the same names are replaced, others stay.

    Raises:
        OutputError: The folder holds something and ``force`` is not given, or it cannot be made or written.
    """
    there = folder.exists()
    if there and (not folder.is_dir() or (not force and any(folder.iterdir()))):
        step = "Choose another folder, or pass --force to replace files of the same names in this one."
        raise OutputError(explain(f"output folder {folder}", "one that exists already", "a new or empty one", step))
    partial = folder / f".{secrets.token_hex(4)}.part"
    make_folder(partial)
    try:
        with _explained(folder):
            yield partial
            for path in sorted(partial.iterdir()):
                os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if not there and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Give a new folder beside ``folder`` to fill; it takes its place if the block ends well and vanishes otherwise.

    Raises:
        OutputError: ``folder`` is there already, or cannot be written.
    """
    if folder.exists():
        raise OutputError(explain(f"output {folder}", "one that exists already", "a new name", "Choose another name."))
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    make_folder(partial)
    try:
        with _explained(folder):
            yield partial
            os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless they exist.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        step = "Choose another place."
        raise OutputError(explain(f"making the folder {folder}", error.strerror, "a place to write", step)) from error


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except AvsslError:
        raise
    except OSError as error:
        got = "a full disk" if error.errno == errno.ENOSPC else error.strerror or str(error)
        step = "Nothing that was finished is lost: make room and run the same again."
        raise OutputError(explain(f"writing {path}", got, "a place with room that can be written", step)) from error

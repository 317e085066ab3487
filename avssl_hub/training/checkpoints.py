"""Checkpoints on disk: written whole or not at all, the newest few kept."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ..errors import explain
from ..outputs import OutputError

PREFIX = "step-"


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints in ``folder``, oldest first."""
    steps = {path: path.name.removeprefix(PREFIX) for path in folder.glob(f"{PREFIX}*")}
    return sorted((path for path in steps if steps[path].isdecimal()), key=lambda path: int(steps[path]))


def save_checkpoint(
    folder: Path, step: int, keep: int, write: Callable[[Path], None], is_main: bool, barrier: Callable[[], None]
) -> None:
    """Write a checkpoint beside its final name, rename it, and drop all but the newest.

    Args:
        folder: Where checkpoints lie.
        step: Steps done.
        keep: Checkpoints kept.
        write: Writes this process's part into the folder it is given.
        is_main: Whether this process renames and removes.
        barrier: Waits for all processes.

    Raises:
        OutputError: The checkpoint cannot be written; those before it are kept.
    """
    partial, final = folder / f".partial-{step}", folder / f"{PREFIX}{step}"
    if is_main:
        # What a killed run left behind.
        for leftover in folder.glob(".partial-*"):
            shutil.rmtree(leftover)
        partial.mkdir(parents=True)
    barrier()
    with explained_writing(final):
        write(partial)
    barrier()
    if is_main:
        partial.rename(final)
        for old in list_checkpoints(folder)[:-keep]:
            shutil.rmtree(old)
    barrier()


@contextmanager
def explained_writing(target: Path) -> Iterator[None]:
    """Turn what libraries raise when ``target`` cannot be written into an error for users.

    Raises:
        OutputError: Something could not be written, as on a full disk.
    """
    try:
        yield
    # PyTorch raises RuntimeError where a disk is full.
    except (OSError, RuntimeError, SafetensorError) as error:
        room = shutil.disk_usage(target.parent).free / 2**20
        got, rule = f"{error}, with {room:.1f} MB left there", "a place with room that can be written"
        step = "The newest whole checkpoint is kept: make room, and resume."
        raise OutputError(explain(f"writing {target}", got, rule, step)) from error

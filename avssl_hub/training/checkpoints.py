"""Checkpoints on disk: written whole or not at all, the newest few kept."""

import shutil
from collections.abc import Callable
from pathlib import Path

PREFIX = "step-"


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints in ``folder``, oldest first."""
    return sorted(folder.glob(f"{PREFIX}*"), key=lambda path: int(path.name.removeprefix(PREFIX)))


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
    """
    partial, final = folder / f".partial-{step}", folder / f"{PREFIX}{step}"
    if is_main:
        # What a killed run left behind.
        for leftover in folder.glob(".partial-*"):
            shutil.rmtree(leftover)
        partial.mkdir(parents=True)
    barrier()
    write(partial)
    barrier()
    if is_main:
        partial.rename(final)
        for old in list_checkpoints(folder)[:-keep]:
            shutil.rmtree(old)
    barrier()

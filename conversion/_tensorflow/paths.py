"""From what a user names (a folder, a prefix, any file of a checkpoint) to the prefix its files share."""

import os
import re
from pathlib import Path, PureWindowsPath

from avssl_hub.errors import explain

from .errors import NotACheckpointError, UnsafePathError, naming
from .table import ends_as_table

STATE_FILE = "checkpoint"  # text in which TensorFlow notes the last checkpoint of a folder
_MOST_STATE = 1 << 20  # bytes
_LATEST = re.compile(rb'^[ \t]*model_checkpoint_path[ \t]*:[ \t]*"((?:[^"\\\n]|\\.)*)"', re.MULTILINE)
_PART = re.compile(r"(.+)\.(?:index|meta|data-\d{5}-of-\d{5})")
_GIVE = "Give the folder, the .index file, or the path without .index."


def find_prefix(path: Path | str) -> Path:
    """Find a checkpoint: ``prefix.index`` exists for the prefix returned.

    Args:
        path: A prefix, a file of the checkpoint, a ``checkpoint`` file, or a folder with that file or a single prefix.

    Raises:
        NotACheckpointError: There is none, or several, or one of the format before version 2.
        UnsafePathError: A ``checkpoint`` file names one outside its folder.
    """
    path = Path(path)
    part = _PART.fullmatch(path.name)
    beside = path.with_name(part[1]) if part else path
    for prefix in (path, beside):
        if index_of(prefix).is_file():
            return prefix
    if path.is_dir():
        return _latest(path / STATE_FILE) if (path / STATE_FILE).is_file() else _only_one(path)
    if path.name == STATE_FILE and path.is_file():
        return _latest(path)
    if beside.is_file() and ends_as_table(beside):
        next_step = "Save it again in TensorFlow with tf.train.Saver(write_version=tf.train.SaverDef.V2)."
        got = f"{beside} of TensorFlow's format 1, a single file"
        raise NotACheckpointError(explain("finding a checkpoint", got, "format 2, with an .index file", next_step))
    got = f"{path}, {'a file of another kind' if path.exists() else 'where nothing is'}"
    raise NotACheckpointError(explain("finding a checkpoint", got, f"{index_of(beside)} beside data files", _GIVE))


def index_of(prefix: Path) -> Path:
    return Path(f"{prefix}.index")


def data_file(prefix: Path, shard: int, shards: int) -> Path:
    return Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")


def _prefixes(folder: Path) -> list[Path]:
    return sorted(path.with_suffix("") for path in folder.glob("*.index"))


def _only_one(folder: Path) -> Path:
    found = _prefixes(folder)
    if len(found) != 1:
        got = f"{_listed(found)} in {folder}"
        raise NotACheckpointError(explain("finding a checkpoint", got, "a single one or a file 'checkpoint'", _GIVE))
    return found[0]


def _listed(prefixes: list[Path]) -> str:
    return ", ".join(prefix.name for prefix in prefixes) or "no .index file"


def _latest(state: Path) -> Path:
    with naming(f"reading {state}"):
        with open(state, "rb") as file:
            match = _LATEST.search(file.read(_MOST_STATE))
        if not match:
            expected = 'a line model_checkpoint_path: "…"'
            raise NotACheckpointError(explain(f"reading {state}", "other text", expected, _GIVE))
        name = re.sub(rb"\\(?:([0-7]{1,3})|(.))", _unescape, match[1]).decode(errors="replace")
        here = f"Here: {_listed(_prefixes(state.parent))}. Give the one you mean."
        if not _lies_below(state.parent, name):
            raise UnsafePathError(explain(f"reading {state}", repr(name), "a path below the folder of the file", here))
        prefix = state.parent / name
        if not index_of(prefix).is_file():
            raise NotACheckpointError(explain(f"reading {state}", repr(name), "a checkpoint that is there", here))
        return prefix


def _lies_below(folder: Path, name: str) -> bool:
    # Windows' paths know both kinds of separators, and drives.
    pure = PureWindowsPath(name)
    if not pure.name or pure.anchor or ".." in pure.parts or "\0" in name:
        return False
    parent = Path(os.path.realpath((folder / name).parent))
    return parent.is_relative_to(os.path.realpath(folder))


def _unescape(match: re.Match[bytes]) -> bytes:
    octal, other = match.groups()
    return bytes([int(octal, 8) & 0xFF]) if octal else other

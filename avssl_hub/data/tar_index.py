"""Media inside tar files found by their headers alone, so that each is read in place as a run of bytes."""

import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from ..errors import explain
from .manifest import Manifest, ManifestError
from .media_files import MEDIA_SUFFIXES, NoMediaError

_LONGEST_NOTE = 1 << 20  # bytes of a sample's .json or .cls; they are read whole
_PLACE = ("path", "member", "offset", "size")


@dataclass(frozen=True)
class Member:
    """A file within a tar file.

    Attributes:
        name: Its path there.
        offset: First byte.
        size: Number of bytes.
    """

    name: str
    offset: int
    size: int

    @property
    def key(self) -> str:
        """Name up to the first dot behind the last slash, which members of one sample share."""
        path = PurePosixPath(self.name)
        return str(path.with_name(path.name.partition(".")[0] or path.name))

    @property
    def suffix(self) -> str:
        """What follows the last dot, with it, in lower case."""
        return PurePosixPath(self.name).suffix.lower()


def members(path: Path) -> Iterator[Member]:
    """List the files in an uncompressed tar file, in their order.

    Raises:
        ManifestError: It is no whole, uncompressed tar file, or holds links, devices, sparse files or paths that
            lead out of it.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                if info.isdir():
                    continue
                if not info.isreg() or info.issparse():
                    raise _refused(path, f"member {info.name!r}, which is no plain file", "plain files only")
                parts = PurePosixPath(info.name).parts
                if info.name.startswith("/") or ".." in parts or not parts:
                    raise _refused(path, f"member {info.name!r}", "paths that stay inside")
                if info.offset_data + info.size > path.stat().st_size:
                    raise _refused(path, f"member {info.name!r} cut short", "a whole file", "Fetch it again.")
                yield Member(info.name, info.offset_data, info.size)
    except (tarfile.TarError, OSError, UnicodeError) as error:
        got = getattr(error, "strerror", None) or str(error)
        step = "Unpack it if it is compressed: single files of such cannot be reached."
        raise _refused(path, got, "an uncompressed tar file", step) from error


def read_shards(source: str | Path | Iterable[str | Path]) -> Manifest:
    """List the media in WebDataset tars, which stay as they are.

    Members of one name up to the first dot, one behind the other, are a sample. Each medium of a sample is a row.
    The keys of its ``.json``, an object, fill the columns of their names, and ``.cls`` the label; others of its
    members are not looked at. Rows are in the order of the tars and of their members.

    Args:
        source: A folder of ``.tar`` files, taken in the order of their names, one such file, or several in order.

    Raises:
        NoMediaError: There is no tar file, or no medium in any.
        ManifestError: A tar file is refused, or a member that describes a sample cannot be read.
    """
    root, names = _tars(source)
    rows: list[dict[str, Any]] = []
    for name in names:
        path = root / name
        for _, sample in groupby(members(path), key=lambda member: member.key):
            sample = list(sample)
            media = [member for member in sample if member.suffix in MEDIA_SUFFIXES]
            told = _told(path, sample) if media else {}
            for member in media:
                if not member.size:
                    raise _refused(path, f"member {member.name!r} of 0 bytes", "at least 1")
                place = {"path": name, "member": member.name}
                rows.append({**told, **place, "offset": member.offset, "size": member.size})
    if not rows:
        raise NoMediaError(explain("looking for media in tar files", f"none in {len(names)}", "at least one"))
    columns = dict.fromkeys(column for row in rows for column in row)
    return Manifest(pa.table({column: [row.get(column) for row in rows] for column in columns}), root)


def _tars(source: str | Path | Iterable[str | Path]) -> tuple[Path, list[str]]:
    """Name the tars that are meant, from the folder that their names start from."""
    if not isinstance(source, (str, Path)):
        root, names = Path(), [str(path) for path in source]
    elif Path(source).is_dir():
        root, names = Path(source), sorted(path.name for path in Path(source).glob("*.tar"))
    else:
        root, names = Path(), [str(source)]
    if not names:
        raise NoMediaError(explain(f"looking for shards in {source}", "no .tar file", "at least one"))
    return root, names


def _told(path: Path, sample: list[Member]) -> dict[str, Any]:
    """Read what the members of a sample say of it."""
    told: dict[str, Any] = {}
    for member in sample:
        if member.suffix not in (".json", ".cls"):
            continue
        if member.size > _LONGEST_NOTE:
            raise _refused(path, f"member {member.name!r} of {member.size} bytes", f"at most {_LONGEST_NOTE}")
        with open(path, "rb") as file:
            file.seek(member.offset)
            content = file.read(member.size)
        try:
            text = content.decode("utf-8")
            values = dict(json.loads(text)) if member.suffix == ".json" else {"label": text.strip()}
            told.update({key: _plain(key, value) for key, value in values.items() if key not in _PLACE})
        except (TypeError, ValueError, RecursionError) as error:
            rule = "a JSON object in UTF-8" if member.suffix == ".json" else "a class in UTF-8"
            raise _refused(path, f"member {member.name!r} ({error})", rule) from error
    return told


def _plain(name: str, value: Any) -> str | float | None:
    """Bring a value into a form that all rows of its column share."""
    if value is not None and name in ("start", "end"):
        return float(value)
    if value is None or isinstance(value, str):
        return value
    if name == "label" and isinstance(value, list):
        return ",".join(map(str, value))
    return json.dumps(value)


def _refused(path: Path, got: str, rule: str, step: str = "") -> ManifestError:
    return ManifestError(explain(f"reading tar file {path}", got, rule, step))

"""Many media files put into few tar files, for collections that outgrow a file system's patience."""

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InvalidValueError, explain
from ..outputs import OutputError, make_folder, replacing
from .manifest import Manifest, ManifestError
from .tar_index import Member, members

MANIFEST = "manifest.parquet"
_SETTINGS = "shards.json"
_SHARD = "shard-{:06d}.tar"


@dataclass(frozen=True)
class ShardReport:
    """What became of a run.

    Attributes:
        manifest: The list of what is in the shards.
        files: Media files in them.
        written: Shards written now.
        reused: Shards that an earlier run had finished.
    """

    manifest: Path
    files: int
    written: int
    reused: int


def write_shards(
    manifest: Manifest,
    folder: str | Path,
    *,
    size: int = 10**9,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> ShardReport:
    """Copy the files of a manifest into uncompressed tars that tools for WebDataset can stream.

    Row 17 becomes ``000000017.mp4`` (with the file's own suffix) and ``000000017.json`` with the row's values.
    ``manifest.parquet`` beside the tars has the same rows in the same order: ``path`` is the tar, ``member``,
    ``offset`` and ``size`` say where in it, and ``source`` is the path before; any item is read by itself.

    A tar appears whole or not at all. Running the same again goes on behind the last one.

    Args:
        manifest: What to copy; each file in one row.
        folder: Where to write, made if missing.
        size: Bytes at which a tar is full; a larger file has one of its own.
        force: Drop what was made from another list or in another size.
        progress: Called with the number of files done and of all files.

    Raises:
        InvalidValueError: ``size`` is not positive.
        ManifestError: A file is in several rows, is empty, or is a .json file.
        MediaOpenError: A file cannot be read; finished shards are kept.
        OutputError: The folder has other shards or cannot be written.
    """
    if size < 1:
        raise InvalidValueError(explain("size", size, "at least 1 byte"))
    _check_single(manifest)
    _check_suffixes(manifest)
    folder = Path(folder)
    _begin(folder, {"manifest_sha256": manifest.fingerprint(), "columns": manifest.columns, "size": size}, force)
    places: list[tuple[str, Member]] = []
    written = reused = 0
    while len(places) < len(manifest):
        path = folder / _SHARD.format(written + reused)
        if path.exists():
            reused += 1
        else:
            _write_shard(path, manifest, len(places), size, progress)
            written += 1
        media = [member for member in members(path) if member.suffix != ".json"]
        places += [(path.name, member) for member in media]
        if progress:
            progress(len(places), len(manifest))
    _list(manifest, places, folder).write(folder / MANIFEST)
    return ShardReport(folder / MANIFEST, len(places), written, reused)


def _check_single(manifest: Manifest) -> None:
    keys = [name for name in ("path", "offset") if name in manifest.columns]
    counts = manifest.table.group_by(keys).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts["count_all"], 1))
    if len(twice):
        step = "Shard a list of whole files; cut them beforehand if spans are wanted."
        got = f"{twice['path'][0].as_py()!r} in {twice['count_all'][0]} rows"
        raise ManifestError(explain("files to put into shards", got, "each file in one row", step))


def _check_suffixes(manifest: Manifest) -> None:
    names = pc.coalesce(*(manifest.table[name] for name in ("member", "path") if name in manifest.columns))
    # It would pass for what a shard says of another file.
    row = pc.index(pc.ends_with(names, ".json", ignore_case=True), True).as_py()
    if row >= 0:
        raise ManifestError(explain("files to put into shards", manifest[row].name, "media files", "Leave it out."))


def _begin(folder: Path, settings: dict[str, Any], force: bool) -> None:
    """Note what the shards are made of, after making sure that those there are made of the same."""
    make_folder(folder)
    noted = folder / _SETTINGS
    made = [*folder.glob("shard-*.tar"), *folder.glob(MANIFEST), *folder.glob(_SETTINGS)]
    if made and _read(noted) != settings:
        if not force:
            step = "Choose another folder, or pass --force to drop them."
            raise OutputError(
                explain(f"writing shards to {folder}", "shards of another list or size", "no others", step)
            )
        for path in made:
            path.unlink()
    with replacing(noted) as partial:
        partial.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _read(noted: Path) -> Any:
    try:
        return json.loads(noted.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_shard(
    path: Path, manifest: Manifest, first: int, size: int, progress: Callable[[int, int], object] | None
) -> None:
    """Write rows from ``first`` on until the tar is full."""
    filled = 0
    with replacing(path) as partial, tarfile.open(partial, "w", format=tarfile.GNU_FORMAT) as tar:
        for row in range(first, len(manifest)):
            item = manifest[row]
            with item.open() as file:
                length = file.seek(0, io.SEEK_END)
                file.seek(0)
                if not length:
                    step = "Leave it out; avssl data check finds all such files."
                    raise ManifestError(explain(f"putting {item.name} into a shard", "0 bytes", "a media file", step))
                if filled and filled + length > size:
                    return
                filled += length
                _add(tar, f"{row:09d}{PurePath(item.member or item.path).suffix.lower()}", length, file)
            note = json.dumps(_values(manifest, row), ensure_ascii=False, default=str).encode()
            _add(tar, f"{row:09d}.json", len(note), io.BytesIO(note))
            if progress:
                progress(row + 1, len(manifest))


def _add(tar: tarfile.TarFile, name: str, length: int, file: BinaryIO) -> None:
    # Neither times nor owners: equal files make equal tars.
    info = tarfile.TarInfo(name)
    info.size = length
    tar.addfile(info, file)


def _values(manifest: Manifest, row: int) -> dict[str, Any]:
    values = {name: manifest.table[name][row].as_py() for name in manifest.columns}
    return {name: value for name, value in values.items() if name not in ("member", "offset", "size")}


def _list(manifest: Manifest, places: list[tuple[str, Member]], folder: Path) -> Manifest:
    columns = {
        "source": manifest.table["path"],
        **{name: manifest.table[name] for name in manifest.columns},
        "path": [shard for shard, _ in places],
        "member": [member.name for _, member in places],
        "offset": [member.offset for _, member in places],
        "size": [member.size for _, member in places],
    }
    return Manifest(pa.table(columns), folder)

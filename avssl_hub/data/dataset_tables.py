"""Data sets of the ``datasets`` library as manifests: media stay inside its Arrow files and are read in place.

The library keeps whatever it loads as Arrow files, where a recording is a run of bytes, as it is inside a tar shard.
So a row names file, offset and size, and nothing is copied, unpacked or held in memory.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..errors import InvalidValueError, explain
from ._manifest_files import class_names
from .manifest import Manifest, ManifestError
from .media_files import media_below

if TYPE_CHECKING:
    import datasets

# A path drops the second stroke.
_ADDRESS = re.compile(r"hf:/{1,2}(?P<repo>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?(/(?P<config>[^/]+))?")
_SAVED = ("dataset_dict.json", "state.json")
_TABLES = ("*.parquet", "*.arrow")
_LOCATION = {"path": pa.string(), "member": pa.string(), "offset": pa.int64(), "size": pa.int64()}
_NAMES = ("filename", "file_name", "file", "__key__")


def is_dataset(place: Any) -> bool:
    """Whether this is ``hf://owner/name``, or a folder that ``datasets`` saved or loads, and not one of media files."""
    if str(place).startswith("hf:/"):
        return True
    folder = Path(place)
    if any((folder / name).is_file() for name in _SAVED):
        return True
    has_tables = folder.is_dir() and any(any(folder.rglob(pattern)) for pattern in _TABLES)
    return has_tables and next(media_below(folder), None) is None


def read_dataset(place: str | Path) -> Manifest:
    """List the recordings of a data set with one column of sounds or videos.

    Args:
        place: ``hf://owner/name``, ``hf://owner/name@revision`` or ``hf://owner/name/configuration``; or a folder that
            ``save_to_disk`` wrote or ``load_dataset`` reads.

    Returns:
        A manifest of all its splits with their names in the column ``split``, unless the table has its own, and with
        the table's other columns under their own names; those that a manifest cannot hold, such as lists, are left out.

    Raises:
        InvalidValueError: The address is not of that form, or the data set cannot be loaded.
        UnknownNameError: The Hub has no such repository or revision.
        DownloadError: It is not complete in the cache and cannot be fetched.
        ManifestError: It has no column of media, or several, or an empty row.
    """
    tables, files = [], []
    for split, data in _load(place).items():
        read = [_listed(Path(file["filename"]), data.features, split, str(place)) for file in data.cache_files]
        if sum(map(len, read)) != len(data):
            got, step = f"a selection of {len(data)} rows in split {split!r}", "Save it again with save_to_disk."
            raise ManifestError(explain(f"data set {place}", got, "all rows of its files", step))
        tables += read
        files += [file["filename"] for file in data.cache_files]
    root = Path(os.path.commonpath([Path(file).parent for file in files]))
    table = pa.concat_tables(tables, promote_options="default")
    paths = [_below(path, root) for path in table["path"].to_pylist()]
    columns = {**{name: table[name] for name in table.column_names}, "path": pa.array(paths, pa.string())}
    return Manifest(pa.table(columns), root)


def _load(place: str | Path) -> "dict[str | None, datasets.Dataset]":
    import datasets

    from ..hub import load_dataset

    if str(place).startswith("hf:/"):
        address = _ADDRESS.fullmatch(str(place))
        if not address:
            rule = "hf://owner/name, hf://owner/name@revision or hf://owner/name/configuration"
            raise InvalidValueError(explain("address of a data set", repr(str(place)), rule))
        return load_dataset(address["repo"], address["config"], address["revision"])
    if not any((Path(place) / name).is_file() for name in _SAVED):
        return load_dataset(str(Path(place).absolute()))
    try:
        loaded = datasets.load_from_disk(str(place))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestError(explain(f"reading data set {place}", error, "what save_to_disk wrote")) from error
    return loaded if isinstance(loaded, datasets.DatasetDict) else {None: loaded}


def _listed(file: Path, features: "datasets.Features", split: str | None, where: str) -> pa.Table:
    """List the rows of one Arrow file."""
    whole = pa.memory_map(str(file)).read_buffer()
    table = pa.ipc.open_stream(whole).read_all()
    media = [field.name for field in table.schema if _holds_media(field.type, features[field.name])]
    if len(media) != 1:
        got, step = ", ".join(media) or f"none among {', '.join(table.column_names)}", "Save it with one."
        raise ManifestError(explain(f"columns of sounds or videos in data set {where}", got, "one", step))
    rows: dict[str, list] = {name: [] for name in _LOCATION}
    for chunk in table[media[0]].chunks:
        for name, values in _located(chunk, whole, file).items():
            rows[name] += values
    for row, (path, size) in enumerate(zip(rows["path"], rows["size"])):
        if path is None or size == 0:
            what, got = f"data set {where}, split {split!r}, row {row + 1}", "an empty medium"
            raise ManifestError(explain(what, got, "one in every row", "Leave the row out."))
    kept = {
        field.name: class_names(table[field.name], features[field.name])
        for field in table.schema
        if _is_plain(field.type)
    }
    names = next((kept[name].to_pylist() for name in _NAMES if name in kept), [None] * len(table))
    rows["member"] = [
        name or own or f"{split or 'row'}/{row}" for row, (own, name) in enumerate(zip(rows["member"], names))
    ]
    if split:
        kept.setdefault("split", pa.array([split] * len(table), pa.string()))
    return pa.table({**kept, **{name: pa.array(rows[name], kind) for name, kind in _LOCATION.items()}})


def _located(column: pa.StructArray, whole: pa.Buffer, file: Path) -> dict[str, list]:
    """Tell where the rows of a column of ``{bytes, path}`` lie: within ``file``, or at the path where that is all."""
    parts = dict(zip((field.name for field in column.type), column.flatten()))
    content, names = parts["bytes"], parts["path"].to_pylist()
    _, bounds, data = content.buffers()
    first = data.address - whole.address if data else 0
    if not 0 <= first <= whole.size:
        step = "Save it again with save_to_disk."
        raise ManifestError(explain(f"reading {file}", "compressed data", "data that can be read in place", step))
    width = np.int64 if pa.types.is_large_binary(content.type) else np.int32
    ends = first + np.frombuffer(bounds, width)[content.offset :][: len(content) + 1].astype(np.int64)
    inside = content.is_valid().to_pylist()
    return {
        "path": [str(file) if here else name for here, name in zip(inside, names)],
        "member": [Path(name).name if name else None for name in names],
        "offset": [start if here else None for here, start in zip(inside, ends.tolist())],
        "size": [size if here else None for here, size in zip(inside, np.diff(ends).tolist())],
    }


def _holds_media(kind: pa.DataType, feature: Any) -> bool:
    import datasets

    names = {field.name for field in kind} if pa.types.is_struct(kind) else set()
    return {"bytes", "path"} <= names and not isinstance(feature, datasets.Image)


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _below(path: str, root: Path) -> str:
    return str(Path(path).relative_to(root)) if Path(path).is_relative_to(root) else path

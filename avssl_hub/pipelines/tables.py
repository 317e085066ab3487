"""Tables of embeddings: the rows of one file, and whole tables as Parquet, npz or safetensors."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from ..outputs import check_suffix, replacing
from .clip_embeddings import ClipEmbeddings, ViewEmbeddings

_CLIP_COLUMNS = [
    ("start", pa.float64()),
    ("end", pa.float64()),
    ("has_audio", pa.bool_()),
    ("status", pa.string()),
    ("reason", pa.string()),
    ("video_embeds", pa.list_(pa.float32())),
    ("audio_embeds", pa.list_(pa.float32())),
]
_VIEW_COLUMNS = [
    ("view_azimuth_degrees", pa.list_(pa.float64())),
    ("view_elevation_degrees", pa.list_(pa.float64())),
    ("view_video_embeds", pa.list_(pa.list_(pa.float32()))),
    ("view_audio_embeds", pa.list_(pa.list_(pa.float32()))),
]
_FILE_COLUMNS = [("file", pa.string()), ("sha256", pa.string())]
_ROW_GROUP = 1024  # rows held before they are written


def clip_schema(views: bool) -> pa.Schema:
    """Return the columns of one file's rows, with those of views if there are any."""
    return pa.schema([*_CLIP_COLUMNS, *(_VIEW_COLUMNS if views else ())])


def clip_rows(clips: ClipEmbeddings) -> pa.Table:
    """Lay out one file's embeddings; a window in which nothing could be embedded has the status "error"."""
    video, audio = (_rows(embeds) for embeds in (clips.video_embeds, clips.audio_embeds))
    status = ["error" if seen is None and heard is None else "ok" for seen, heard in zip(video, audio)]
    columns = [clips.start.numpy(), clips.end.numpy(), clips.has_audio.numpy(), status, clips.reason, video, audio]
    if clips.views:
        columns += _view_columns(clips.views, len(clips))
    schema = clip_schema(clips.views is not None)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types)], schema=schema)


def failed_row(reason: str, views: bool = False) -> pa.Table:
    """Lay out the one row of a file that could not be read."""
    return pa.Table.from_pylist([{"status": "error", "reason": reason}], schema=clip_schema(views))


def known_rows(rows: pa.Table) -> pa.Table:
    """Bring one file's rows, as a file format gave them back, to the types of the columns they have."""
    return rows.cast(clip_schema("view_video_embeds" in rows.column_names))


def of_file(rows: pa.Table, file: str, sha256: str | None) -> pa.Table:
    """Put the file's name and content hash in front of its rows."""
    front = [pa.array([value] * len(rows), pa.string()) for value in (file, sha256)]
    return pa.table([*front, *rows.columns], schema=_whole(rows.schema))


def check_output(out: Path, force: bool) -> None:
    """Refuse, before any work, a table that cannot be written.

    Raises:
        OutputError: The suffix is of no known format, the file exists, or its folder does not.
    """
    check_suffix(out, list(_WRITERS), force)


def write_table(out: Path, parts: Iterable[pa.Table], metadata: dict[str, Any], views: bool = False) -> None:
    """Write the rows of all files in the format of ``out``'s suffix; the file appears whole or not at all.

    Args:
        out: ``.parquet`` (missing embeddings are null), ``.npz`` or ``.safetensors`` (missing ones are NaN rows).
        parts: Each file's rows.
        metadata: Kept as JSON under the key ``avssl``.
        views: Whether the rows have the columns of views.

    Raises:
        OutputError: The disk is full or the place cannot be written.
    """
    with replacing(out) as partial:
        _WRITERS[out.suffix](partial, parts, json.dumps(metadata), _whole(clip_schema(views)))


def _whole(schema: pa.Schema) -> pa.Schema:
    return pa.schema([*_FILE_COLUMNS, *schema])


def _rows(embeds: torch.Tensor) -> list[np.ndarray | None]:
    return [None if np.isnan(row).any() else row for row in embeds.numpy()]


def _view_columns(views: ViewEmbeddings, windows: int) -> list[list]:
    looks = [[angle.rad2deg().tolist()] * windows for angle in (views.azimuth, views.elevation)]
    # Arrow takes rows of arrays, and no arrays of more than one axis.
    embeds = [
        [row if row is None else list(row) for row in _rows(rows)] for rows in (views.video_embeds, views.audio_embeds)
    ]
    return [*looks, *embeds]


def _write_parquet(path: Path, parts: Iterable[pa.Table], metadata: str, schema: pa.Schema) -> None:
    with pq.ParquetWriter(path, schema.with_metadata({"avssl": metadata})) as writer:
        for rows in _grouped(parts):
            writer.write_table(rows)


def _grouped(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= _ROW_GROUP:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _write_npz(path: Path, parts: Iterable[pa.Table], metadata: str, schema: pa.Schema) -> None:
    numbers, words = _columns(parts, schema)
    with open(path, "wb") as file:
        np.savez(
            file, **numbers, **{name: np.array(values) for name, values in words.items()}, avssl=np.array(metadata)
        )


def _write_safetensors(path: Path, parts: Iterable[pa.Table], metadata: str, schema: pa.Schema) -> None:
    from safetensors.numpy import save_file

    numbers, words = _columns(parts, schema)
    save_file(numbers, path, {"avssl": metadata, **{name: json.dumps(values) for name, values in words.items()}})


def _columns(parts: Iterable[pa.Table], schema: pa.Schema) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Split a table into arrays of numbers and lists of text; ``file_index`` points into ``files``."""
    parts = list(parts)
    table = pa.concat_tables(parts)
    pairs = [("video_embeds", "audio_embeds")]
    if "view_video_embeds" in schema.names:
        pairs += [("view_azimuth_degrees", "view_elevation_degrees"), ("view_video_embeds", "view_audio_embeds")]
    numbers = {
        "file_index": np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        "start": table["start"].to_numpy(),
        "end": table["end"].to_numpy(),
        "has_audio": table["has_audio"].fill_null(False).to_numpy(),
    }
    for names in pairs:
        numbers |= _lists(table.select(names))
    words = {
        "files": [part["file"][0].as_py() for part in parts],
        "sha256": [part["sha256"][0].as_py() or "" for part in parts],
        "status": table["status"].to_pylist(),
        "reason": table["reason"].to_pylist(),
    }
    return numbers, words


def _lists(table: pa.Table) -> dict[str, np.ndarray]:
    """Make arrays of columns of lists, all of one shape; those that are missing are NaN."""
    rows = {
        name: [None if row is None else np.array(row, np.float32) for row in table[name].to_pylist()]
        for name in table.column_names
    }
    shape = next((row.shape for column in rows.values() for row in column if row is not None), (0,))
    missing = np.full(shape, np.nan, np.float32)
    return {
        name: np.array([missing if row is None else row for row in column]).reshape(len(table), *shape)
        for name, column in rows.items()
    }


_WRITERS: dict[str, Callable[[Path, Iterable[pa.Table], str, pa.Schema], None]] = {
    ".parquet": _write_parquet,
    ".npz": _write_npz,
    ".safetensors": _write_safetensors,
}

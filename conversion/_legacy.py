"""PyTorch's format before 1.6, mapped instead of read: ``torch.load`` maps zip files only.

Such a file is a row of pickles (magic number, version, system, object, storage keys) and then the storages, each its
number of elements and its bytes. The published AVID files are of this kind, and nine tenths of one is training state.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import _weights_only_unpickler as unpickler
from torch.serialization import MAGIC_NUMBER, PROTOCOL_VERSION
from torch.storage import TypedStorage, UntypedStorage

_HEADER = 8  # bytes of a storage's number of elements


def map_legacy(path: Path) -> Any:
    """Load a legacy file with the restricted unpickler; its tensors are views of the mapped file.

    Raises:
        pickle.UnpicklingError: It holds more than tensors and plain data.
        EOFError, ValueError: It is cut, or not of this format.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        if unpickler.load(file) != MAGIC_NUMBER or unpickler.load(file) != PROTOCOL_VERSION:
            raise ValueError("neither a zip archive nor a legacy PyTorch file")
        unpickler.load(file)
        begin = file.tell()
        # Where a storage lies is known only after the object that refers to it, hence twice over that.
        storages: dict[str, tuple[torch.dtype, int]] = {}
        _unpickle(file, lambda key, dtype, count: storages.setdefault(key, (dtype, count)))
        places, end = {}, 0
        for key in unpickler.load(file):
            dtype, count = storages[key]
            end = (end or file.tell()) + _HEADER
            places[key] = slice(end, end + count * dtype.itemsize)
            end = places[key].stop
        if end > size:
            raise EOFError(f"{size} bytes where its storages need {end}")
        whole = UntypedStorage.from_file(str(path), False, size)
        file.seek(begin)
        return _unpickle(file, lambda key, dtype, count: None, lambda key: whole[places[key]])


def _unpickle(
    file: BinaryIO,
    note: Callable[[str, torch.dtype, int], object],
    bytes_of: Callable[[str], UntypedStorage] | None = None,
) -> Any:
    def persistent_load(reference: tuple) -> TypedStorage:
        _, storage_type, key, _, count, view = reference
        if view is not None:
            raise ValueError("views of storages, which only files of PyTorch before 0.4 have")
        dtype = storage_type.dtype
        note(key, dtype, count)
        raw = bytes_of(key) if bytes_of else UntypedStorage(count * dtype.itemsize, device="meta")
        return TypedStorage(wrap_storage=raw, dtype=dtype, _internal=True)

    reader = unpickler.Unpickler(file)
    reader.persistent_load = persistent_load
    return reader.load()

"""TensorFlow checkpoints of format 2, read without TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avssl_hub.errors import explain, unknown_name

from .crc32c import crc32c, unmask
from .dtypes import name_of, stored_as, to_array
from .entries import Entry, Header, is_slice_key, slice_key
from .errors import AGAIN, ChecksumError, Malformed, MissingShardError, TruncatedError, UnsupportedDtypeError, naming
from .layout import check_places, check_slices, extents
from .paths import data_file, find_prefix, index_of
from .table import read_table


@dataclass(frozen=True)
class Variable:
    """Type, by TensorFlow's name, and shape of a variable."""

    dtype: str
    shape: tuple[int, ...]


class TensorBundle:
    """A checkpoint: its index is read and checked at once, a variable when it is asked for.

    Files are not believed. Whatever they hold, memory stays in proportion to the index and to the bytes of the variable
    that is read.

    Args:
        path: Folder, prefix, ``.index`` or other file of the checkpoint, or ``checkpoint`` file.

    Attributes:
        prefix: The path that all files of the checkpoint begin with.
        files: The data files.
        variables: Type and shape by name, in the order of the index.

    Raises:
        CheckpointError: There is no checkpoint, or a broken one; each kind has its type in ``errors.py``.
    """

    def __init__(self, path: Path | str):
        self.prefix = find_prefix(path)
        index = index_of(self.prefix)
        table = read_table(index)
        with naming(f"reading {index}"):
            if b"" not in table:
                raise Malformed("a table without header", "the index of a checkpoint")
            header = Header.parse(table.pop(b""))
            self._big_endian = header.big_endian
            self.files = _data_files(self.prefix, header.shards)
            entries = {key: Entry.parse(value) for key, value in table.items()}
            self._slices = {key: entry for key, entry in entries.items() if is_slice_key(key)}
            self._entries = {_name(key): entry for key, entry in entries.items() if not is_slice_key(key)}
            check_slices(self._entries, self._slices)
            check_places({key: entry for key, entry in entries.items() if not entry.slices}, self.files)
        self.variables = {name: Variable(name_of(e.dtype), e.shape) for name, e in self._entries.items()}

    def read(self, name: str) -> np.ndarray:
        """A variable as a new array in the machine's byte order, its checksum verified; bfloat16 as float32.

        Raises:
            UnknownNameError: There is no such variable.
            UnsupportedDtypeError: It is not of numbers: a string, a resource, a quantised or an unknown type.
            TruncatedError, ChecksumError, CorruptError: Its bytes are not all there, changed, or those of two slices.
        """
        if name not in self._entries:
            raise unknown_name(f"variable of {self.prefix}", name, self._entries)
        entry = self._entries[name]
        if not stored_as(entry.dtype):
            what = f"reading variable {name!r} of {self.prefix}"
            raise UnsupportedDtypeError(explain(what, name_of(entry.dtype), "real or complex numbers, or bool"))
        return self._assemble(name, entry) if entry.slices else self._values(name, entry)

    def _assemble(self, name: str, entry: Entry) -> np.ndarray:
        whole, missing = None, np.ones(entry.shape, bool)
        for part in entry.slices:
            values = self._values(name, self._slices[slice_key(name, part)])
            whole = np.empty(entry.shape, values.dtype) if whole is None else whole
            place = extents(part, entry.shape)
            whole[place], missing[place] = values, False
        # As many values as the shape has, so that a gap means that slices overlap elsewhere.
        with naming(f"reading variable {name!r} of {self.prefix}"):
            if missing.any():
                raise Malformed("slices that overlap", "each value in one slice")
        return whole

    def _values(self, name: str, entry: Entry) -> np.ndarray:
        file = self.files[entry.shard]
        what = f"reading variable {name!r} in {file}"
        with naming(what):
            octets = np.fromfile(file, np.uint8, entry.size, offset=entry.offset)
        if octets.size != entry.size:
            raise TruncatedError(explain(what, f"{octets.size} bytes", f"{entry.size} at {entry.offset}", AGAIN))
        if crc32c(octets) != unmask(entry.checksum):
            got = f"CRC-32C {crc32c(octets):08x}"
            raise ChecksumError(explain(what, got, f"{unmask(entry.checksum):08x}, as written", AGAIN))
        return to_array(octets, entry.dtype, self._big_endian).reshape(entry.shape)


def _data_files(prefix: Path, count: int) -> list[Path]:
    files = []
    for shard in range(count):
        file = data_file(prefix, shard, count)
        if not file.is_file():
            next_step = "Put all files of the checkpoint into one folder, under their first names."
            raise MissingShardError(
                explain(f"reading {prefix}", f"no file {file.name}", f"{count} data files", next_step)
            )
        files.append(file)
    return files


def _name(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise Malformed(f"variable {key!r}", "a name in UTF-8") from None

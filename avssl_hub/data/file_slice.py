"""A run of bytes within a file, as a file of its own."""

import io
import os
from pathlib import Path


class FileSlice(io.RawIOBase):
    """Read ``size`` bytes of a file from ``offset`` on, as a seekable file that ends there.

    Args:
        path: The file.
        offset: First byte.
        size: Number of bytes.
        name: What messages call the slice.

    Raises:
        OSError: The file cannot be opened.
        EOFError: It ends before the slice does.
    """

    _file: io.FileIO | None = None  # also where opening it fails, after which close() is called

    def __init__(self, path: Path | str, offset: int, size: int, name: str):
        super().__init__()
        self.name = name
        self._offset, self._size, self._position = offset, size, 0
        self._file = io.FileIO(path)
        whole = os.fstat(self._file.fileno()).st_size
        if offset + size > whole:
            self._file.close()
            raise EOFError(f"{whole} bytes, of which {offset} to {offset + size} are wanted")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if position < 0:
            raise ValueError(f"negative seek position {position}")
        self._position = position
        return position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer) -> int:
        left = max(self._size - self._position, 0)
        self._file.seek(self._offset + self._position)
        count = self._file.readinto(memoryview(buffer)[:left])
        self._position += count
        return count

    def close(self) -> None:
        if self._file:
            self._file.close()
        super().close()

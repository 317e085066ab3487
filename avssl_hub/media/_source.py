"""Opening: a path, bytes or a file object becomes any number of independent FFmpeg containers."""

import io
import os
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import av

from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media._unreadable import unreadable_boxes
from avssl_hub.media.errors import MediaOpenError

MediaSource = str | os.PathLike | bytes | BinaryIO


class View:
    """A read position of its own over a shared binary file.

    It has no name, so that FFmpeg judges by content and never by a file's extension.

    Args:
        file: The file.
        size: Its length in bytes.
        hidden: Where boxes' kinds stand that are read as ``free``, which says that there is nothing of note.
    """

    def __init__(self, file: BinaryIO, size: int, hidden: tuple[int, ...] = ()):
        self._file = file
        self._hidden = hidden
        self.size = size
        self._position = 0

    def read(self, count: int) -> bytes:
        begin = self._position
        self._file.seek(begin)
        data = self._file.read(count)
        self._position += len(data)
        for at in self._hidden:
            data = _with_free(data, at - begin)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position


def _with_free(data: bytes, at: int) -> bytes:
    """Write ``free`` at a place, as much of it as lies within the data."""
    first, last = max(at, 0), min(at + 4, len(data))
    return data if first >= last else data[:first] + b"free"[first - at : last - at] + data[last:]


_CALLED_BY_FFMPEG = {method.__code__ for method in (View.read, View.seek, View.tell)}


def called_by_ffmpeg(frame: FrameType | None) -> bool:
    """Whether ``frame`` runs on behalf of FFmpeg, where PyAV prints exceptions and then drops them."""
    while frame is not None and frame.f_code not in _CALLED_BY_FFMPEG:
        frame = frame.f_back
    return frame is not None


class Source:
    """A named, seekable run of bytes that may hold media.

    Args:
        source: Path, the bytes themselves, or a seekable binary file object (left open on close).

    Raises:
        MediaOpenError: There is no such file, or it is a folder, empty or not seekable.
    """

    def __init__(self, source: MediaSource):
        self._owned = not hasattr(source, "read")
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.name = f"<{len(source)} bytes>"
            self._file = io.BytesIO(source)
        elif isinstance(source, (str, os.PathLike)):
            self.name = os.fspath(source)
            self._file = _open_path(Path(source), self.name)
        elif hasattr(source, "read"):
            self.name = str(getattr(source, "name", "<file object>"))
            self._file = source
        else:
            raise InvalidValueError(
                explain("media source", repr(source), "a path, bytes or a seekable binary file object")
            )
        try:
            self._size = self._file.seek(0, os.SEEK_END)
        except (AttributeError, OSError) as error:
            raise MediaOpenError(
                explain(
                    f"cannot open {self.name!r}",
                    "a file object that cannot seek",
                    "a seekable binary file object",
                    "Read it whole and pass the bytes.",
                ),
                self.name,
            ) from error
        if not self._size:
            self.close()
            raise MediaOpenError(
                explain(
                    f"cannot open {self.name!r}",
                    "an empty file (0 bytes)",
                    "a video or audio file",
                    "Fetch or export the file again.",
                ),
                self.name,
            )

    def open(self, threads: int = 1) -> av.container.InputContainer:
        """Open one more container over the same bytes, at its own position.

        Args:
            threads: Decoder threads of each stream.

        Raises:
            MediaOpenError: The content is not media, or holds neither picture nor sound.
        """
        try:
            # A playlist must not make us read other files or addresses: no protocol is allowed.
            container = av.open(
                View(self._file, self._size, self._unreadable),
                mode="r",
                metadata_errors="ignore",
                container_options={"protocol_whitelist": ","},
            )
        except (av.FFmpegError, ValueError) as error:
            raise self._not_media(getattr(error, "strerror", None) or str(error)) from error
        if not any(stream.type in ("video", "audio") for stream in container.streams):
            found = ", ".join(stream.type for stream in container.streams) or "no stream at all"
            container.close()
            raise self._not_media(found)
        for stream in (*container.streams.video, *container.streams.audio):
            if stream.codec_context is not None:
                stream.codec_context.thread_count = threads
                stream.codec_context.thread_type = "NONE" if threads == 1 else "AUTO"
        return container

    @cached_property
    def _unreadable(self) -> tuple[int, ...]:
        return unreadable_boxes(self.view(), self._size)

    def view(self) -> View:
        """Give the bytes themselves, to read and seek at a position of its own."""
        return View(self._file, self._size)

    def _not_media(self, reason: str) -> MediaOpenError:
        return MediaOpenError(
            explain(
                f"cannot open {self.name!r} as media",
                f"{self._size} bytes that FFmpeg refuses ({reason})",
                "a complete file with picture or sound; the content counts, not the extension",
                "Check that it plays, and fetch or export it again if it was cut short.",
            ),
            self.name,
        )

    def close(self) -> None:
        if self._owned:
            self._file.close()


def _open_path(path: Path, name: str) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    # A null byte in the path is a ValueError.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaOpenError(
            explain(
                f"cannot open {name!r}",
                "a folder" if isinstance(error, IsADirectoryError) else reason.lower(),
                "a readable video or audio file",
                "Check the path.",
            ),
            name,
        ) from error

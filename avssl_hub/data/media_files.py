"""Finding the media files a user means by a list of files and folders."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import AvsslError, InvalidValueError, explain
from ..hub import sha256_of

# Containers FFmpeg reads that people keep recordings in. Only a walk through folders goes by these: the content of
# a file named outright decides for itself.
_PICTURE = "3gp asf avi flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv vob webm wmv"
_SOUND = "aac ac3 aif aiff amr flac m4a mka mp3 oga ogg opus wav wma"
MEDIA_SUFFIXES = frozenset(f".{name}" for name in f"{_PICTURE} {_SOUND}".split())


class NoMediaError(AvsslError, FileNotFoundError):
    """A path does not exist, or folders hold no media file."""


@dataclass(frozen=True)
class FoundMedia:
    """Media files in the order they were named, each once.

    Attributes:
        files: The files; those of a folder sorted by path, with the folder's path in front.
        roots: For each file the folder it was found in, or its own if it was named outright.
        passed_over: Number of other files in the folders.
    """

    files: list[Path]
    roots: list[Path]
    passed_over: int

    def named(self, names: Iterable[str]) -> "FoundMedia":
        """Keep the files of these names, without folder and suffix."""
        names = set(names)
        kept = [number for number, file in enumerate(self.files) if file.stem in names]
        return FoundMedia([self.files[i] for i in kept], [self.roots[i] for i in kept], self.passed_over)


def find_media(paths: Iterable[str | Path]) -> FoundMedia:
    """Collect files named outright, whatever their suffix, and media files in folders and their subfolders.

    Hidden files and folders are passed over, and links to folders are not followed.

    Raises:
        NoMediaError: A path does not exist, or there is no media file in any of them.
    """
    paths = [Path(path) for path in paths]
    found: dict[Path, Path] = {}
    seen = set()
    passed_over = 0
    for path in paths:
        if not path.exists():
            raise NoMediaError(explain(f"looking for media in {path}", "no such file or folder", "an existing one"))
        for file in _walk(path) if path.is_dir() else [path]:
            if file != path and not _is_media(file):
                passed_over += 1
            elif (real := file.resolve()) not in seen:
                seen.add(real)
                found[file] = path if path.is_dir() else path.parent
    if not found:
        got = f"no media file (other files: {passed_over})"
        kinds = ", ".join(sorted(MEDIA_SUFFIXES))
        step = "Name a file outright if its suffix is not among these."
        raise NoMediaError(
            explain(
                f"looking for media in {', '.join(map(str, paths)) or 'nothing'}",
                got,
                f"files with a suffix {kinds}",
                step,
            )
        )
    return FoundMedia(list(found), list(found.values()), passed_over)


def media_below(folder: str | Path) -> Iterator[str]:
    """Name the media files in a folder and its subfolders relative to it, sorted, hidden ones passed over.

    Raises:
        NoMediaError: It is no folder.
        InvalidValueError: A name is not in UTF-8.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NoMediaError(explain(f"looking for media in {folder}", "no such folder", "an existing one"))
    for file in filter(_is_media, _walk(folder)):
        name = file.relative_to(folder).as_posix()
        if not _is_unicode(name):
            got, step = ascii(name), "Rename it: no list could hold it."
            raise InvalidValueError(explain(f"a file in {folder}", got, "a name in UTF-8", step))
        yield name


def content_sha256(file: Path) -> str:
    """Return the sha256 of a file's content, by which resumed runs know it again.

    That of a folder is of a line for each file in it and below it, sorted: its name and its own sha256.

    Raises:
        MediaOpenError: The file, or one of the folder, cannot be read.
    """
    if file.is_dir():
        names = sorted(path.relative_to(file).as_posix() for path in _walk(file))
        return hashlib.sha256("\n".join(f"{name} {content_sha256(file / name)}" for name in names).encode()).hexdigest()
    try:
        return sha256_of(file)
    except OSError as error:
        from ..media import MediaOpenError

        raise MediaOpenError(
            explain(f"cannot read {str(file)!r}", error.strerror, "a readable file", "Check the path."), str(file)
        ) from error


def _is_media(file: Path) -> bool:
    return file.suffix.lower() in MEDIA_SUFFIXES and not file.name.startswith(".")


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            yield Path(parent, name)

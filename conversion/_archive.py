"""Taking the files of one TensorFlow checkpoint out of a zip archive that nobody vouches for."""

import lzma
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from avssl_hub.errors import CheckpointError, explain, some_of

from ._tensorflow.errors import AGAIN, NotACheckpointError, UnsafePathError

_SIGNATURE = b"PK\x03\x04"
_INDEX = ".index"
# What damaged bytes, encryption and unknown compression make Python's reader raise.
_READING = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OSError)


def is_archive(path: Path) -> bool:
    """Whether a file begins as a zip archive does."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def take_out(archive: Path, prefix: str, folder: Path, most: int) -> Path:
    """Write the index and data files of a checkpoint into ``folder`` and return the path they begin with.

    Nothing else is unpacked, and files get names of our own, so that none can land elsewhere.

    Args:
        archive: The zip file.
        prefix: What the checkpoint's files in it begin with, such as ``nets/shift/net.tf-650000``; folders may come
            before that.
        folder: Where to write.
        most: Bytes that the unpacked files may have together.

    Raises:
        CheckpointError: The archive is damaged, cut, encrypted or too large when unpacked.
        NotACheckpointError: It does not hold the checkpoint, or holds it twice.
        UnsafePathError: The checkpoint's members are links, or lead out of the folder they are unpacked in.
    """
    what = f"reading {archive}"
    target = folder / "checkpoint"
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _members(opened, prefix, what)
            size = sum(member.file_size for member in members.values())
            room = min(most, shutil.disk_usage(folder).free)
            if size > room:
                got = f"{size:,} bytes below {prefix}"
                raise CheckpointError(explain(what, got, f"at most {room:,}, by the network's size and the free disk"))
            for suffix, member in members.items():
                # The reader stops at the size that was added up above, whatever the compressed bytes hold.
                with opened.open(member) as source, open(f"{target}{suffix}", "wb") as file:
                    shutil.copyfileobj(source, file)
    except _READING as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise CheckpointError(explain(what, reason, "a whole zip archive", AGAIN)) from error
    return target


def _members(opened: zipfile.ZipFile, prefix: str, what: str) -> dict[str, zipfile.ZipInfo]:
    """The checkpoint's members by what follows the prefix in their names."""
    pattern = re.compile(rf"(?P<place>(?:[^/]+/|/)*){re.escape(prefix)}(?P<suffix>\.index|\.data-\d{{5}}-of-\d{{5}})")
    found, places = {}, set()
    for member in opened.infolist():
        if match := pattern.fullmatch(member.filename):
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise UnsafePathError(explain(what, f"a link or device {member.filename!r}", "a plain file"))
            if match["place"].startswith("/") or ".." in match["place"].split("/"):
                raise UnsafePathError(explain(what, repr(member.filename), "a path below the archive's own folder"))
            if match["suffix"] in found:
                raise NotACheckpointError(explain(what, f"{member.filename} and another", f"one checkpoint {prefix}"))
            found[match["suffix"]] = member
            places.add(match["place"])
    if _INDEX not in found:
        held = sorted(name.removesuffix(_INDEX) for name in opened.namelist() if name.endswith(_INDEX))
        got = f"checkpoints {some_of(held)}" if held else "no TensorFlow checkpoint"
        raise NotACheckpointError(explain(what, got, f"{prefix}{_INDEX} and its data files"))
    if len(places) > 1:
        raise NotACheckpointError(explain(what, f"{prefix} in {some_of(sorted(places))}", "all its files together"))
    return found

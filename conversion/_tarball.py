"""Taking one TensorFlow checkpoint and the text beside it out of a tar archive that nobody vouches for."""

import lzma
import re
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from avssl_hub.errors import CheckpointError, explain, some_of

from ._tensorflow.errors import AGAIN, NotACheckpointError, UnsafePathError

_INDEX = ".index"
# What damaged bytes make Python's reader raise.
_READING = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError, OSError)


def take_out(archive: Path, beside: str, folder: Path, most: int) -> Path:
    """Write the only checkpoint of an archive and a file beside it into ``folder``, and return the former's prefix.

    Nothing else is unpacked, and files get names of our own, so that none can land elsewhere. Of a file
    ``checkpoint``, in which TensorFlow notes a path, no use is made.

    Args:
        archive: The tar file.
        beside: Name of the file in the checkpoint's folder.
        folder: Where to write.
        most: Bytes that the unpacked files may have together.

    Raises:
        CheckpointError: The archive is damaged, cut or too large when unpacked, or lacks the file.
        NotACheckpointError: It holds no checkpoint, or several.
        UnsafePathError: One of the files is a link, or leads out of the folder it is unpacked in.
    """
    what = f"reading {archive}"
    try:
        with tarfile.open(archive) as opened:
            members = _members(opened, beside, what)
            size = sum(member.size for member in members.values())
            room = min(most, shutil.disk_usage(folder).free)
            if size > room:
                got = f"{size:,} bytes of a checkpoint"
                raise CheckpointError(explain(what, got, f"at most {room:,}, by the network's size and the free disk"))
            for name, member in members.items():
                # The reader stops at the size that was added up above.
                with opened.extractfile(member) as source, open(folder / name, "wb") as file:
                    shutil.copyfileobj(source, file)
    except _READING as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise CheckpointError(explain(what, reason, "a whole tar archive", AGAIN)) from error
    return folder / "checkpoint"


def _members(opened: tarfile.TarFile, beside: str, what: str) -> dict[str, tarfile.TarInfo]:
    """The members to unpack, by the names they get."""
    # Some systems put a file of their own beside each, whose name begins with a dot.
    named = {m.name: m for m in opened.getmembers() if not PurePosixPath(m.name).name.startswith(".")}
    prefixes = [name.removesuffix(_INDEX) for name in named if name.endswith(_INDEX)]
    if len(prefixes) != 1:
        got = f"checkpoints {some_of(sorted(prefixes))}" if prefixes else "no TensorFlow checkpoint"
        raise NotACheckpointError(explain(what, got, f"one checkpoint, a file {_INDEX} and data files beside it"))
    part = re.compile(rf"{re.escape(prefixes[0])}(\.index|\.data-\d{{5}}-of-\d{{5}})")
    wanted = {f"checkpoint{match[1]}": member for name, member in named.items() if (match := part.fullmatch(name))}
    text = str(PurePosixPath(prefixes[0]).with_name(beside))
    texts = [member for name, member in named.items() if str(PurePosixPath(name)) == text]
    if len(texts) != 1:
        raise CheckpointError(explain(what, f"{len(texts)} files {text}", "one beside the checkpoint"))
    wanted[beside] = texts[0]
    for member in wanted.values():
        if not member.isreg():
            raise UnsafePathError(explain(what, f"a link or device {member.name!r}", "a plain file"))
        if member.name.startswith("/") or ".." in member.name.split("/"):
            raise UnsafePathError(explain(what, repr(member.name), "a path below the archive's own folder"))
    return wanted

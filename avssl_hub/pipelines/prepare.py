"""Many files re-encoded for fast random access into one folder, resumed by content."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.media_files import FoundMedia, content_sha256
from ..errors import explain
from ..jobs.interrupts import heard_interrupts
from ..media import MediaError, MediaWriteError, prepare_media
from ..outputs import OutputError, make_folder

MANIFEST = "prepared.jsonl"


@dataclass(frozen=True)
class PrepareReport:
    """What became of a run.

    Attributes:
        folder: Where the files are.
        written: Files written now.
        reused: Files an earlier run had written from the same content.
        failed: Why each bad file failed, by file.
    """

    folder: Path
    written: int
    reused: int
    failed: dict[Path, str]


def prepare_files(
    found: FoundMedia,
    folder: str | Path,
    *,
    gop: int = 12,
    crf: int = 18,
    short_side: int | None = None,
    sampling_rate: int | None = None,
    keep_going: bool = False,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> PrepareReport:
    """Re-encode videos into a folder that mirrors where they were found; **their pixels change**.

    ``prepared.jsonl`` in the folder notes each finished file with the sha256 of its source and the settings.
    Running the same again passes over what is noted; a file there that is not noted is never touched.

    Args:
        found: The videos.
        folder: Where to write, made if missing; ``clip.avi`` becomes ``clip.mp4``.
        gop: Frames from one keyframe to the next.
        crf: Quality of x264, 0 (lossless) to 51.
        short_side: Scale larger pictures down to this many pixels on the shorter side.
        sampling_rate: Store the sound in mono at this rate, without loss, in Hz; None keeps it as it is.
        keep_going: Note a bad file in the report and go on, in place of stopping.
        force: Replace files made from other content or with other settings, or by others.
        progress: Called with the number of files done and of all files.

    Returns:
        Counts, and the files that failed.

    Raises:
        OutputError: A source would be overwritten, two would become one file, or a file that is there was not
            made from this source.
        MediaError: A file cannot be read or written.
    """
    folder = Path(folder)
    targets = _targets(found, folder)
    settings = {"gop": gop, "crf": crf, "short_side": short_side, "sampling_rate": sampling_rate}
    noted = _read_manifest(folder)
    written = reused = 0
    failed: dict[Path, str] = {}
    with heard_interrupts() as check:
        for number, (file, target) in enumerate(zip(found.files, targets)):
            if progress:
                progress(number, len(targets))
            name = target.relative_to(folder).as_posix()
            try:
                entry = {"file": name, "source": str(file), "sha256": content_sha256(file), **settings}
                if target.exists():
                    if _same(noted.get(name), entry):
                        reused += 1
                        continue
                    if not force:
                        raise _in_the_way(target, noted.get(name), entry)
                    target.unlink()
                make_folder(target.parent)
                # Noted first: the file appears whole, so one that is there and noted is done.
                _note(folder / MANIFEST, entry)
                prepare_media(file, target, **settings)
                try:
                    check()
                except KeyboardInterrupt:
                    # What a lost interrupt did to the reading is not known.
                    target.unlink()
                    raise
                written += 1
            except MediaError as error:
                check()
                if isinstance(error, MediaWriteError) or not keep_going:
                    raise
                failed[file] = str(error)
    if progress:
        progress(len(targets), len(targets))
    return PrepareReport(folder, written, reused, failed)


def _targets(found: FoundMedia, folder: Path) -> list[Path]:
    targets: dict[Path, Path] = {}
    sources = {file.resolve() for file in found.files}
    for file, root in zip(found.files, found.roots):
        target = folder / file.relative_to(root).with_suffix(".mp4")
        if target.resolve() in sources:
            got = f"{target} as its place, which is one of the sources"
            raise OutputError(explain(f"preparing {file}", got, "another folder", "Choose another with -o."))
        if target in targets:
            got = f"{targets[target]} and {file}, which would both become {target}"
            step = "Prepare them into separate folders."
            raise OutputError(explain("preparing files", got, "one source for each file", step))
        targets[target] = file
    return list(targets)


def _read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / MANIFEST
    if not path.exists():
        return {}
    entries = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        # A line cut by a crash only means that its file is made again.
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        entries[entry["file"]] = entry
    return entries


def _note(manifest: Path, entry: dict[str, Any]) -> None:
    try:
        with open(manifest, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
    except OSError as error:
        raise OutputError(
            explain(f"writing {manifest}", error.strerror, "a place with room that can be written")
        ) from error


def _same(noted: dict[str, Any] | None, entry: dict[str, Any]) -> bool:
    # Where the source lies may change; its content and the settings may not.
    return noted is not None and all(noted.get(key) == value for key, value in entry.items() if key != "source")


def _in_the_way(target: Path, noted: dict[str, Any] | None, entry: dict[str, Any]) -> OutputError:
    got = "a file that this command did not make"
    if noted is not None:
        changed = [key for key, value in entry.items() if key != "source" and noted.get(key) != value]
        got = "one made from other content" if "sha256" in changed else f"one made with other {', '.join(changed)}"
    step = "Choose another folder, or pass --force to replace it."
    return OutputError(explain(f"preparing {entry['source']} as {target}", got, "a new name", step))

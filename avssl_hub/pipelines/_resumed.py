"""Making one result of each of many sources, so that a run that was cut goes on where it stopped."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.media_files import FoundMedia, content_sha256
from ..errors import explain
from ..jobs.interrupts import heard_interrupts
from ..media import MediaError, MediaWriteError
from ..outputs import OutputError, make_folder

MANIFEST = "prepared.jsonl"


@dataclass(frozen=True)
class PrepareReport:
    """What became of a run.

    Attributes:
        folder: Where the results are.
        written: Results written now.
        reused: Results an earlier run had written from the same content.
        failed: Why each bad file failed, by file.
        remarks: What was taken for granted of files written now, by file.
    """

    folder: Path
    written: int
    reused: int
    failed: dict[Path, str]
    remarks: dict[Path, tuple[str, ...]]


@dataclass(frozen=True)
class Job:
    """One result to make.

    Attributes:
        source: The file it is made of.
        target: The file or folder to make.
        settings: How; a result made otherwise is another one.
    """

    source: Path
    target: Path
    settings: Mapping[str, Any]


def make_each(
    jobs: Sequence[Job],
    folder: Path,
    make: Callable[[Job], tuple[str, ...]],
    *,
    keep_going: bool = False,
    force: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> PrepareReport:
    """Make what is not there yet.

    ``prepared.jsonl`` in the folder notes each finished result with the sha256 of its source and the settings.
    Running the same again passes over what is noted; what is there and not noted is never touched.

    Args:
        jobs: What to make, each below ``folder``.
        folder: Where the note is kept.
        make: Makes a result, which appears whole or not at all, and tells what it took for granted.
        keep_going: Note a bad file in the report and go on, in place of stopping.
        force: Replace results made from other content or with other settings, or by others.
        progress: Called with the number of jobs done and of all jobs.

    Raises:
        OutputError: A result that is there was not made from this source.
        MediaError: A file cannot be read or written.
    """
    noted = _read_manifest(folder)
    written = reused = 0
    failed: dict[Path, str] = {}
    remarks: dict[Path, tuple[str, ...]] = {}
    with heard_interrupts() as check:
        for number, job in enumerate(jobs):
            if progress:
                progress(number, len(jobs))
            name = job.target.relative_to(folder).as_posix()
            try:
                entry = {
                    "file": name,
                    "source": str(job.source),
                    "sha256": content_sha256(job.source),
                    **job.settings,
                }
                if job.target.exists():
                    if _same(noted.get(name), entry):
                        reused += 1
                        continue
                    if not force:
                        raise _in_the_way(job.target, noted.get(name), entry)
                    _remove(job.target)
                make_folder(job.target.parent)
                # Noted first: the result appears whole, so one that is there and noted is done.
                _note(folder / MANIFEST, entry)
                if told := make(job):
                    remarks[job.source] = told
                try:
                    check()
                except KeyboardInterrupt:
                    # What a lost interrupt did to the reading is not known.
                    _remove(job.target)
                    raise
                written += 1
            except MediaError as error:
                check()
                if isinstance(error, MediaWriteError) or not keep_going:
                    raise
                failed[job.source] = str(error)
    if progress:
        progress(len(jobs), len(jobs))
    return PrepareReport(folder, written, reused, failed, remarks)


def separate_targets(found: FoundMedia, place: Callable[[Path, Path], Path]) -> list[Path]:
    """Say where the result of each file goes, by what ``place`` makes of the file and the folder it was found in.

    Raises:
        OutputError: A source would be overwritten, or two would become one result.
    """
    targets: dict[Path, Path] = {}
    sources = {file.resolve() for file in found.files}
    for file, root in zip(found.files, found.roots):
        target = place(file, root)
        if target.resolve() in sources:
            got = f"{target} as its place, which is one of the sources"
            raise OutputError(explain(f"preparing {file}", got, "another folder", "Choose another with -o."))
        if target in targets:
            got = f"{targets[target]} and {file}, which would both become {target}"
            step = "Prepare them into separate folders."
            raise OutputError(explain("preparing files", got, "one source for each file", step))
        targets[target] = file
    return list(targets)


def _remove(target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()


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

"""Which converter makes which checkpoint, and the frame every conversion shares: find, check, write."""

import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from avssl_hub import hub, zoo
from avssl_hub.cards import fill
from avssl_hub.errors import AvsslError, CheckpointError, explain, unknown_name
from avssl_hub.golden import record

from ._commit import converters_commit
from .report import ParityReport


def _converters() -> dict[str, ModuleType]:
    found = {}
    for module in iter_modules([str(Path(__file__).parent)]):
        if not module.name.startswith("_"):
            converter = import_module(f".{module.name}", __package__)
            found |= dict.fromkeys(getattr(converter, "NAMES", ()), converter)
    return found


def names() -> list[str]:
    """Names of the checkpoints that can be converted."""
    return sorted(_converters())


def convert(
    name: str,
    checkpoint: Path | None = None,
    out: Path | None = None,
    *,
    banks: bool = False,
    force: bool = False,
    progress: Callable[[int, int | None], object] | None = None,
) -> ParityReport:
    """Convert one of the authors' checkpoints and check the result against an independent restatement.

    Args:
        name: Catalogue name, such as ``avid_cma.audioset``.
        checkpoint: The authors' file, or what was unpacked from it where that is an archive; None downloads it from
            the address on the model card.
        out: Folder to write; None is the cache of converted weights that ``avssl_hub.load`` reads.
        banks: Whether to write the training's memory banks too.
        force: Whether an existing folder may be replaced.
        progress: Called during a download with the bytes here so far and the total, if known.

    Returns:
        The parity report, also written as ``parity_report.json``.

    Raises:
        UnknownNameError: There is no such checkpoint.
        CheckpointError: The file cannot be read, or is not of this family.
        HashMismatchError: The file is not the one the card names.
        AvsslError: ``out`` exists, or the converted model differs from the restatement.
    """
    converters = _converters()
    if name not in converters:
        raise unknown_name("checkpoint to convert", name, converters)
    original = zoo.card(name).original
    out = Path(out) if out else zoo.converted_path(name)
    if out.exists() and not force:
        raise AvsslError(
            explain(
                "writing the converted model",
                f"existing {out}",
                "a new folder",
                "Pass --force to replace it.",
            )
        )
    expected = None if original.sha256 == "unverified" else original.sha256
    if checkpoint is None:
        source = zoo.sources_path() / original.url.rsplit("/", 1)[-1]
        checkpoint = hub.fetch(original.url, source, sha256=expected, progress=progress)
    checkpoint, converter = Path(checkpoint), converters[name]
    parts = converter.unpacked(name, checkpoint) if hasattr(converter, "unpacked") else []
    if not parts and not checkpoint.is_file():
        raise CheckpointError(explain("opening the checkpoint", f"no file {checkpoint}", "the authors' file"))
    if expected and not parts:
        next_step = f"The card of {name} pins another file: download it again."
        digests = {checkpoint.name: hub.check_sha256(checkpoint, expected, next_step)}
    else:
        digests = {file.name: hub.sha256_of(file) for file in parts or [checkpoint]}
    out.parent.mkdir(parents=True, exist_ok=True)
    # Built beside the target and renamed, so that a cut leaves no half of a model.
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        report = converter.convert(name, checkpoint, work, banks=banks)
        report.source_url, report.source_sha256, report.is_whole = original.url, digests, not parts
        report.converter_commit = converters_commit()
        report.write(work / "parity_report.json")
        record(work, report.converter_commit)
        shutil.copyfile(zoo.card(name).path, work / "README.md")
        fill(work, parity=report.parity(), original_sha256=None if parts else digests[checkpoint.name])
        work.chmod(0o777 & ~_umask())
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report.folder = out
    return report


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

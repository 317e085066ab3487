"""``avssl verify``: is a checkpoint what its card says, and does it compute what it did when it was recorded?"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ._console import note, say, show, table

if TYPE_CHECKING:
    from ..verification import Certificate


def run(
    name: Annotated[str | None, typer.Argument(help="Name of a model, ./folder or org/repository.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All checkpoints whose weights are on this machine.")] = False,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print certificates as JSON.")] = False,
) -> None:
    """Check files by their hashes and outputs by recorded ones; exit status 1 if anything differs."""
    from .. import zoo
    from .._weights import weights_here
    from ..errors import InvalidValueError, explain
    from ..verification import verify

    if every == (name is not None):
        raise InvalidValueError(explain("NAME and --all", "both" if every else "neither", "one of the two"))
    names = [known for known in zoo.list_models() if weights_here(zoo.card(known))] if every else [name]
    certificates = []
    for wanted in names:
        certificate = verify(wanted, revision=revision)
        certificates.append(certificate)
        if not as_json:
            _show(certificate, in_full=not every)
    if as_json:
        told = [certificate.to_dict() for certificate in certificates]
        say(json.dumps(told if every else told[0], indent=2))
    elif every:
        left_out = len(zoo.list_models()) - len(names)
        note(f"{left_out} more in the catalogue have no weights on this machine")
    if any(certificate.problems for certificate in certificates):
        raise typer.Exit(1)


def _show(certificate: "Certificate", in_full: bool) -> None:
    worst = certificate.worst
    compared = f", largest error {worst.error:.1e} (allowed {worst.tolerance:.0e}) at {worst.name}" if worst else ""
    verdict = "differs" if certificate.problems else "verified"
    count = f"{len(certificate.files)} files, {len(certificate.stages)} tensors{compared}"
    say(f"{certificate.name}: {verdict}; {count}")
    if in_full:
        for line in _origin(certificate):
            say(line)
        rows = table("file", "sha256")
        for file in certificate.files:
            rows.add_row(file.name, file.sha256 or "missing")
        show(rows)
        if certificate.stages:
            rows = table("tensor", "shape", "largest error", "allowed")
            for stage in certificate.stages:
                shape = " × ".join(map(str, stage.shape)) or "one number"
                rows.add_row(stage.name, shape, f"{stage.error:.1e}", f"{stage.tolerance:.0e}")
            show(rows)
    for problem in certificate.problems:
        say(f"  {problem}")


def _origin(certificate: "Certificate") -> list[str]:
    lines = [f"folder: {certificate.folder}"]
    if certificate.original:
        lines += [f"source: {certificate.original.url}", f"sha256 of the source: {certificate.original.sha256}"]
    else:
        lines += ["source: trained by this project's own recipe"]
    if certificate.parity:
        parity = certificate.parity
        lines += [f"conversion: error {parity.max_abs_error:.1e} (allowed {parity.tolerance:.0e}) to {parity.against}"]
    recording = certificate.recording
    if recording:
        if certificate.original:
            lines += [f"converter: commit {recording.converter_commit or 'not known'}"]
        versions = ", ".join(f"{library} {version}" for library, version in recording.versions.items())
        lines += [f"input: {recording.input}", f"recorded: {recording.date} by {versions}"]
    return [*lines, f"checked: {certificate.date} by torch {certificate.torch}"]

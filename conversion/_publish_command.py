"""Command line of publishing: ``python -m conversion publish NAME --org ORG [--dry-run]``."""

import argparse

from .publish import Publication, publish


def run(arguments: list[str]) -> str:
    """Publish, and return what to tell.

    Raises:
        AvsslError: As :func:`conversion.publish.publish` raises.
    """
    parser = argparse.ArgumentParser(prog="python -m conversion publish", description=__doc__)
    parser.add_argument("name", help="checkpoint of the catalogue whose weights are on this machine")
    parser.add_argument("--org", required=True, help="organisation or user on the Hub")
    parser.add_argument("--dry-run", action="store_true", help="check everything, and tell what would be done")
    options = parser.parse_args(arguments)
    return "\n".join(_told(publish(options.name, options.org, dry_run=options.dry_run), options.dry_run))


def _told(done: Publication, dry_run: bool) -> list[str]:
    made, put = ("would make", "would upload") if dry_run else ("made", "uploaded")
    lines = [f"{made} {done.repo_id}"] * done.is_new
    lines += [f"{put} {file}" for file in done.uploaded]
    lines += [f"unchanged {file}" for file in done.unchanged]
    lines += [f"left alone {file}, which is none of ours" for file in done.left]
    if done.commit:
        lines.append(f"{done.repo_id} is now at {done.commit}; to pin it, write both into the card's header under hub")
    elif not done.uploaded:
        lines.append(f"{done.repo_id} is up to date")
    return lines
